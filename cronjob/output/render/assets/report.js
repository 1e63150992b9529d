// The filter. Without it the page is whole: everything is there, and nothing is hidden.
"use strict";
(() => {
  const form = document.getElementById("filter");
  if (!form) return;

  const find = document.getElementById("find");
  const shown = document.getElementById("shown");
  const lists = [...document.querySelectorAll(".list")];
  const projects = [...document.querySelectorAll("details.project")];
  const groups = projects.map((project) => ({
    box: project,
    path: project.querySelector("h3").textContent,
    rows: [...project.querySelectorAll("tbody tr")],
  }));
  const described = (row, path) => ({ row, text: `${path} ${row.textContent}`.toLowerCase() });
  const rows = [
    ...groups.flatMap((group) => group.rows.map((row) => described(row, group.path))),
    ...[...document.querySelectorAll(".list > table > tbody > tr")].map((row) => described(row, "")),
  ];
  // With more than this, opening what was found would only bury it.
  const few = 30;

  const nothing = new Map(lists.map((list) => {
    const said = document.createElement("p");
    said.className = "nothing";
    said.textContent = "Nothing here matches the filter.";
    said.hidden = true;
    list.append(said);
    return [list, said];
  }));

  const open = (is) => projects.forEach((project) => { project.open = is; });

  // Touching what stays as it is would cost a second where there are ten thousand.
  const hide = (element, hidden) => { if (element.hidden !== hidden) element.hidden = hidden; };

  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const off = [...form.querySelectorAll("input[type=checkbox]:not(:checked)")];
    let count = 0;
    for (const { row, text } of rows) {
      const hidden = !words.every((word) => text.includes(word))
        || off.some((box) => row.dataset[box.name] === box.value);
      hide(row, hidden);
      count += hidden ? 0 : 1;
    }
    groups.forEach((group) => hide(group.box, group.rows.every((row) => row.hidden)));
    const left = projects.filter((project) => !project.hidden);
    if (words.length && left.length <= few) left.forEach((project) => { project.open = true; });
    for (const list of lists) {
      const found = list.querySelector("tbody tr:not([hidden])") !== null;
      nothing.get(list).hidden = found;
      list.querySelectorAll(":scope > table").forEach((table) => hide(table, !found));
    }
    shown.textContent = `${count} of ${rows.length} rows shown`;
  };

  let waiting;
  find.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 100);
  });
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  // The fields are as they were only after the event.
  form.addEventListener("reset", () => setTimeout(apply));
  document.getElementById("open")?.addEventListener("click", () => open(true));
  document.getElementById("close")?.addEventListener("click", () => open(false));

  // On paper nothing can be unfolded.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = projects.filter((project) => !project.open);
    open(true);
  });
  window.addEventListener("afterprint", () => closed.forEach((project) => { project.open = false; }));

  form.hidden = false;
  apply();
})();
