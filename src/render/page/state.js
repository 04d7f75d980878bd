// What is chosen, sorted, searched and opened, in the fragment of the page's address: a link shows the same again.
// Names: file, problem, clock, shape, tile-family, trend-variant, ladder-all, search; and of each table by its section's
// id: sort.ID = "title:up" or "title:down", rows.ID = "all", and open.ID, once for each opened row.

let state = new URLSearchParams(location.hash.slice(1));

const writeState = () => history.replaceState(null, "", `#${state}`);

// Without a value the name goes.
const setState = (name, value) => {
  if (value === null || value === "") state.delete(name);
  else state.set(name, value);
  writeState();
};

const isOpen = (table, key) => state.getAll(`open.${table}`).includes(key);

const setOpen = (table, key, opened) => {
  const others = state.getAll(`open.${table}`).filter((other) => other !== key);
  state.delete(`open.${table}`);
  for (const other of opened ? [...others, key] : others) state.append(`open.${table}`, other);
  writeState();
};

// Options [value, label] of a select; chooses what the state names if it is there, else `first` or the first. Returns
// the chosen value.
const fillSelect = (select, options, first = options[0]?.[0]) => {
  select.replaceChildren(...options.map(([value, label]) => element("option", { value }, label)));
  const wanted = state.get(select.id);
  const chosen = options.some(([value]) => value === wanted) ? wanted : first;
  if (chosen !== undefined) select.value = chosen;
  return chosen;
};
