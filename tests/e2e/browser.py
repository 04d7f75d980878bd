"""A headless Chromium for the tests of HTML pages; skips where there is none, saying why."""

import json
import os
import shutil
import unittest

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
except ImportError:
    webdriver = None

FLAGS = ("--headless=new", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--window-size=1400,1000")


def why_none():
    """Empty when a page can be opened."""
    if webdriver is None:
        return "Python's selenium is missing (package python3-selenium)"
    for command, package in (("chromium", "chromium"), ("chromedriver", "chromium-driver")):
        if shutil.which(command) is None:
            return f"{command} is missing (package {package})"
    return ""


def start():
    options = Options()
    options.binary_location = shutil.which("chromium")
    for flag in FLAGS:
        options.add_argument(flag)
    if os.geteuid() == 0:  # Chromium's sandbox refuses to run as root
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)


@unittest.skipIf(why_none(), why_none())
class BrowserTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = start()
        cls.addClassCleanup(cls.browser.quit)

    def open(self, path, width=1400, dark=False, fragment=""):
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 600})
        self.requests()  # of pages before
        if fragment:
            self.browser.get("about:blank")  # else a page that is open already would not be read again
        self.browser.get(path.as_uri() + fragment)

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def requests(self):
        """What the page asked for since the last call, by address."""
        events = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def assert_quiet(self):
        """The console has nothing, neither errors nor warnings."""
        self.assertEqual([entry["message"] for entry in self.browser.get_log("browser")], [])
