"use strict";
const plans = [...document.querySelectorAll("details.plan")];
const buttons = [...document.querySelectorAll("nav button")];
const search = document.querySelector("nav input");
const told = document.querySelector("#told");

function show() {
  const wanted = buttons.find((one) => one.getAttribute("aria-pressed") === "true").dataset.show;
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const plan of plans) {
    const fits = wanted === "all" || plan.dataset.verdict === wanted ||
      (wanted === "found" && plan.dataset.found === "yes");
    plan.hidden = !(fits && words.every((word) => plan.dataset.words.includes(word)));
    count += plan.hidden ? 0 : 1;
  }
  for (const group of document.querySelectorAll("section.group")) {
    group.hidden = !group.querySelector("details.plan:not([hidden])");
  }
  told.textContent = count === plans.length ? "" : `${count} of ${plans.length}`;
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    buttons.forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
    show();
  });
}
search.addEventListener("input", show);

function step(by) {
  const shown = plans.filter((one) => !one.hidden).map((one) => one.querySelector("summary"));
  if (!shown.length) { return; }
  const here = shown.findIndex((one) => one.parentElement.contains(document.activeElement));
  const next = shown[here < 0 ? (by > 0 ? 0 : shown.length - 1) : Math.min(shown.length - 1, Math.max(0, here + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) { return; }
  if (event.target === search) {
    if (event.key === "Escape") { search.value = ""; show(); search.blur(); }
    return;
  }
  if (event.key === "/") { event.preventDefault(); search.focus(); }
  if (event.key === "j") { step(1); }
  if (event.key === "k") { step(-1); }
});

// A finding leads to its place in the message, which may be folded.
function unfold() {
  const place = location.hash && document.getElementById(location.hash.slice(1));
  for (let one = place; one; one = one.parentElement) {
    if (one.tagName === "DETAILS") { one.open = true; }
  }
  if (place) { place.scrollIntoView({ block: "center" }); }
}
addEventListener("hashchange", unfold);
unfold();
