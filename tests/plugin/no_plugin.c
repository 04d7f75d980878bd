/* A shared object that is not a plug-in. */
int flashcore_plugin_v0(void);
int flashcore_plugin_v0(void) { return 0; }
