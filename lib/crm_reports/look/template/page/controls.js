// ── Controls: what the page is about, in the reader's hand ────────────────────────────────────────────────────────
// A server puts in what can be chosen; a published page, what was published. The address is the state: every choice leads to
// another page, where the reader finds himself at the same element.
// What other pages of the report offer, too, lies in a file beside them.
const own = JSON.parse(document.getElementById("controls").textContent);
const controls = !own?.beside ? own : window.crmChoices ? {...own, ...window.crmChoices} : null;
for (const field of controls?.fields ?? []) if (field.like) field.choices = controls.fields.find(other => other.name === field.like).choices;
const same = (one, other) => JSON.stringify(one ?? []) === JSON.stringify(other ?? []);
const listOf = value => value === undefined || value === "" ? [] : [value].flat().map(String);

function addressOf(state) {
  const set = Object.entries(state).filter(([name, value]) => !controls.published || !isDefault(name, value));
  const pairs = set.flatMap(([name, value]) => listOf(value).map(text => [name, text]));
  if (controls.published) return controls.published[JSON.stringify(pairs.sort())];
  const query = new URLSearchParams(pairs).toString();
  return `/${encodeURIComponent(controls.report)}${query ? `?${query}` : ""}`;
}

const isDefault = (name, value) => same(listOf(value), listOf(controls.fields.find(field => field.name === name)?.default));
const without = (state, ...names) => Object.fromEntries(Object.entries(state).filter(([name]) => !names.includes(name)));
const withValue = (name, value) => listOf(value).length ? {...controls.state, [name]: value} : without(controls.state, name);

// Where the reader stands: the element at the top of the window and those below it; the first that the page that comes has, too, is put there.
const PLACE = "crm-place";
function go(address) {
  if (!address) return;
  const seen = all("[data-element]").map(node => [node.dataset.element, node.getBoundingClientRect()]).filter(([, box]) => box.bottom > 80);
  if (scrollY > 0) sessionStorage.setItem(PLACE, JSON.stringify(seen.map(([element, box]) => [element, box.top])));
  document.body.classList.add("leaving");
  location.assign(address);
}

function comeBack() {
  const seen = location.hash ? [] : JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
  sessionStorage.removeItem(PLACE);
  const here = Object.fromEntries(all("[data-element]").map(node => [node.dataset.element, node.getBoundingClientRect().top]));
  const place = seen.find(([element]) => element in here);
  if (place) scrollTo({top: scrollY + here[place[0]] - place[1], behavior: "instant"});
}

// ── One field: a button that says what is chosen, and what opens under it ──
function written(field) {
  const chosen = listOf(controls.state[field.name]);
  if (field.kind === "period") return controls.shown;
  if (field.kind === "flag") return chosen[0] === "true" ? page.texts.yes : "";
  const names = chosen.map(id => field.choices?.find(choice => choice.id === id)?.name ?? id);
  if (field.kind === "one") return names[0] ?? field.choices.find(choice => choice.id === field.default)?.name ?? "";
  if (!names.length) return listOf(field.default).join(", ");
  return names.length > 1 ? page.texts.more.replace("{name}", () => names[0]).replace("{n}", names.length - 1) : names[0];
}

const isSet = field => field.name in controls.state && !isDefault(field.name, controls.state[field.name]);

// What opens is a popover: it closes by Escape and by a click elsewhere, and the keyboard walks through it.
function fieldOf(field) {
  const id = `field-${field.name}`, text = written(field);
  const button = make("button", {type: "button", popovertarget: id, class: `field${isSet(field) ? " hot" : ""}`, title: field.help}, make("i", {}, field.label), text || (field.kind === "many" ? "" : "—"));
  return [button, panelUnder(button, id, field.label, () => (PANELS[field.kind] ?? entry)(field))];
}

// What opens under a button; what is in it is made when it opens first.
function panelUnder(button, id, label, inside) {
  const panel = make("div", {id, popover: "", class: "panel", role: "group", "aria-label": label});
  panel.addEventListener("toggle", event => {
    if (event.newState !== "open") return;
    if (!panel.childElementCount) panel.append(...inside());
    const {left, bottom} = button.getBoundingClientRect();
    panel.style.left = `${Math.max(8, Math.min(left, innerWidth - panel.offsetWidth - 8))}px`;
    panel.style.top = `${bottom + 4}px`;
    panel.style.maxHeight = `${Math.max(200, innerHeight - bottom - 16)}px`;
    panel.querySelector("input:not([type=hidden])")?.focus();
  });
  return panel;
}

const PANELS = {many, one, period, flag};

// An answer that can be chosen: a link, so that it can be opened beside this page too; what was not published says so.
function answer(text, state, isChosen) {
  const address = addressOf(state);
  const link = make("a", address ? {href: address, "aria-current": isChosen && "true"} : {class: "unpublished", title: page.texts.unpublished, "aria-disabled": "true"}, text);
  link.addEventListener("click", event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || !address) return;
    event.preventDefault();
    go(address);
  });
  return link;
}

function one(field) {
  return field.choices.map(choice => answer(choice.name, withValue(field.name, choice.id === field.default ? "" : choice.id), written(field) === choice.name));
}

function flag(field) {
  return [answer(page.texts.yes, withValue(field.name, "true"), listOf(controls.state[field.name])[0] === "true"), answer("—", withValue(field.name, ""), !isSet(field))];
}

function period(field) {
  return [...(controls.published ? [] : entry(field, page.texts.typed)), ...field.choices.map(choice =>
    answer(choice.name, withValue(field.name, choice.id), listOf(controls.state[field.name] ?? field.default)[0] === choice.id))];
}

// What is typed: a period, a day, a number, names.
function entry(field, hint = "") {
  if (controls.published) return [make("p", {class: "unpublished"}, page.texts.unpublished)];
  const value = listOf(controls.state[field.name] ?? field.default).join(", ");
  const input = make("input", {type: field.kind === "day" ? "date" : field.kind === "number" ? "number" : "text", value, placeholder: hint, "aria-label": field.label, step: "any"});
  const form = make("form", {}, input, make("button", {}, page.texts.show));
  form.addEventListener("submit", event => {
    event.preventDefault();
    const typed = field.kind === "texts" ? input.value.split(",").map(text => text.trim()).filter(Boolean) : input.value.trim();
    go(addressOf(withValue(field.name, typed)));
  });
  return [form];
}

// Several of many: a name alone is that one; a tick adds it, and "Show" asks for all that are ticked.
function many(field) {
  const chosen = new Set(listOf(controls.state[field.name]));
  const search = make("input", {type: "search", placeholder: page.texts.find, "aria-label": `${page.texts.find}: ${field.label}`});
  const show = make("button", {type: "button", class: "show", disabled: true}, page.texts.show);
  const lines = ordered(field.choices).map(({choice, depth}) => {
    const tick = make("input", {type: "checkbox", value: choice.id, checked: chosen.has(choice.id), "aria-label": choice.name});
    tick.addEventListener("change", () => {
      tick.checked ? chosen.add(choice.id) : chosen.delete(choice.id);
      const address = addressOf(withValue(field.name, [...chosen]));
      show.disabled = !address;
      show.title = address ? "" : page.texts.unpublished;
    });
    const isAlone = chosen.size === 1 && chosen.has(choice.id);
    const line = make("div", {class: "line", style: depth ? `padding-left:${depth * 18}px` : undefined}, tick, answer(choice.name, withValue(field.name, isAlone ? [] : [choice.id]), isAlone), choice.group ? make("small", {}, choice.group) : "");
    line.words = bare(`${choice.name} ${choice.group ?? ""}`);
    return line;
  });
  search.addEventListener("input", () => lines.forEach(line => { line.hidden = !line.words.includes(bare(search.value)); }));
  show.addEventListener("click", () => go(addressOf(withValue(field.name, [...chosen]))));
  const head = make("div", {class: "head"}, lines.length > 8 ? search : "", show);
  const rest = field.partly ? [make("p", {class: "unpublished"}, page.texts.unpublished)] : [];
  return [...(lines.length ? [head] : []), ...lines, ...rest, ...(chosen.size && addressOf(without(controls.state, field.name)) ? [answer(page.texts.clear, without(controls.state, field.name), false)] : [])];
}

// Departments under what they belong to; a circle of them stays flat.
function ordered(choices) {
  const ids = new Set(choices.map(choice => choice.id)), seen = new Set();
  const below = (above, depth) => choices.filter(choice => !seen.has(choice.id) && (choice.above ?? "") === above).flatMap(choice => {
    seen.add(choice.id);
    return [{choice, depth}, ...below(choice.id, depth + 1)];
  });
  const roots = choices.filter(choice => !ids.has(choice.above));
  const tree = roots.flatMap(choice => { seen.add(choice.id); return [{choice, depth: 0}, ...below(choice.id, 1)]; });
  return [...tree, ...choices.filter(choice => !seen.has(choice.id)).map(choice => ({choice, depth: 0}))];
}

function viewsMenu() {
  const form = make("form", {method: "post", action: "/views"}, make("input", {name: "name", required: true, maxlength: 100, placeholder: page.texts.name, "aria-label": page.texts.name}), make("input", {type: "hidden", name: "address", value: addressOf(controls.state)}), make("button", {}, page.texts.save));
  const lines = controls.views.map(view => make("div", {class: "line"}, make("a", {href: view.url}, view.text), make("form", {method: "post", action: "/views"},
    make("input", {type: "hidden", name: "do", value: "delete"}), make("input", {type: "hidden", name: "name", value: view.text}), make("input", {type: "hidden", name: "address", value: addressOf(controls.state)}), make("button", {title: page.texts.delete, "aria-label": `${page.texts.delete}: ${view.text}`}, "×"))));
  return menuOf("views", page.texts.views, [...lines, form]);
}

function menuOf(id, label, inside) {
  const button = make("button", {type: "button", popovertarget: `field-${id}`, class: "field"}, label);
  return [button, panelUnder(button, `field-${id}`, label, () => inside)];
}

// On a page about one person: the one before, all, and the one after, as far as there are such pages.
function neighbours() {
  const people = controls.fields.find(field => field.name === "manager")?.choices ?? [], chosen = listOf(controls.state.manager);
  const at = people.findIndex(person => person.id === chosen[0]);
  if (chosen.length !== 1 || at < 0) return;
  const link = (text, ids) => addressOf(withValue("manager", ids)) && answer(text, withValue("manager", ids), false);
  const isThere = person => addressOf(withValue("manager", [person.id]));
  const before = people.slice(0, at).findLast(isThere), after = people.slice(at + 1).find(isThere);
  const links = [before && link(`← ${before.name}`, [before.id]), people.length > 1 && link(page.texts.all_managers, []), after && link(`${after.name} →`, [after.id])];
  const head = document.querySelector(".top .eyebrow") ?? document.querySelector(".top h1");
  if (links.some(Boolean)) head?.before(make("div", {class: "neighbours", role: "group", "aria-label": page.texts.all_managers}, ...links.filter(Boolean)));
}

const USUAL = ["period", "comparison", "pipeline", "department", "manager", "source"];

// Beside the reports: what was saved, and the files of exactly this view, the workbook among them.
function placeMenus() {
  const aside = document.querySelector("nav .aside"), urls = controls.files.map(file => file.url);
  aside.querySelectorAll("a").forEach(link => { if (urls.includes(link.getAttribute("href"))) link.remove(); });
  aside.prepend(...viewsMenu(), ...menuOf("files", page.texts.files, controls.files.map(file => make("a", {href: file.url}, file.text))));
}

function placeControls() {
  const chips = document.querySelector(".about-report .chips"), set = controls.fields.filter(isSet);
  const bar = make("div", {class: "controls", role: "group", "aria-label": page.texts.filters});
  const rare = controls.fields.filter(field => !USUAL.includes(field.name) && !isSet(field)).map(fieldOf);
  bar.append(...controls.fields.filter(field => USUAL.includes(field.name) || isSet(field)).flatMap(fieldOf));
  if (rare.length) {
    const others = make("button", {type: "button", class: "field", "aria-expanded": "false"}, `${page.texts.others}…`);
    others.addEventListener("click", () => { others.replaceWith(...rare.flat()); rare[0][0].focus(); });
    bar.append(others);
  }
  if (set.length && addressOf({})) bar.append(answer(page.texts.clear, {}, false));
  if (!controls.published) placeMenus();
  chips?.replaceWith(bar);
  neighbours();
  addEventListener("pageshow", () => document.body.classList.remove("leaving"));
  comeBack();
}
if (controls) placeControls();
else if (own) document.querySelector(".about-report .chips")?.after(make("p", {class: "unloaded", role: "status"}, page.texts.unloaded));
