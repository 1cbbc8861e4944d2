const examples = [...document.querySelectorAll(".example")];
const element = (id) => document.getElementById(id);
let shown = examples;
let place = 0;

function show(index) {
  place = Math.max(0, Math.min(index, shown.length - 1));
  examples.forEach((example) => { example.hidden = example !== shown[place]; });
  element("place").textContent = shown.length ? `${place + 1} of ${shown.length}` : "none";
  element("previous").disabled = place === 0;
  element("next").disabled = place >= shown.length - 1;
}

function filter() {
  const current = shown[place];
  const wanted = { outcome: element("outcome").value, category: element("category").value };
  shown = examples.filter((e) => Object.entries(wanted).every(([key, value]) => !value || e.dataset[key] === value));
  show(shown.indexOf(current));
}

function leaf(step) {
  show(place + step);
  if (shown[place]) history.replaceState(null, "", `#${shown[place].id}`);
}

if (examples.length) {
  document.querySelector(".leaf").hidden = false;
  element("previous").onclick = () => leaf(-1);
  element("next").onclick = () => leaf(1);
  element("outcome").onchange = element("category").onchange = filter;
  document.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && event.target.tagName !== "SELECT" && !event.ctrlKey && !event.altKey && !event.metaKey) leaf(step);
  });
  show(examples.findIndex((example) => `#${example.id}` === location.hash));
}
