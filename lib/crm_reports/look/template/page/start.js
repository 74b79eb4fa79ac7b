const page = JSON.parse(document.getElementById("page").textContent);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const dark = matchMedia("(prefers-color-scheme: dark)");

// An element: make("button", {type: "button"}, "text", node, …). Texts never become HTML.
function make(name, attributes = {}, ...inside) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined && value !== false) node.setAttribute(key, value);
  node.append(...inside);
  return node;
}

// What charts.escape made of a text, as it was. No parser of markup ever sees a name.
const SIGNS = {amp: "&", lt: "<", gt: ">", quot: '"', "#36": "$", "#x27": "'", "#39": "'", "#8203": ""};
const plain = text => text.replace(/<br\s*\/?>/g, " ").replace(/<[^<>]*>/g, "").replace(/&(amp|lt|gt|quot|#36|#x27|#39|#8203);/g, (_whole, name) => SIGNS[name]);

// ── Scripts: packed in the page, or beside it ─────────────────────────────────────────────────────────────────────
const loading = {};
function load(name) {
  return loading[name] ??= (async () => {
    const src = page.assets[name] ?? await unpacked(name);
    await new Promise((done, fail) => {
      const script = make("script", {src});
      script.onload = done;
      script.onerror = () => fail(new Error(`${name} could not be loaded`));
      document.head.append(script);
    });
  })();
}

async function unzipped(packed) {
  const signs = atob(packed), bytes = new Uint8Array(signs.length);
  for (let at = 0; at < signs.length; at++) bytes[at] = signs.charCodeAt(at);  // of megabytes: a function for each sign takes ten times as long
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

// Between two tasks the page answers and paints; an idle one has neither to do.
const paused = () => new Promise(done => setTimeout(done));
const idle = () => new Promise(done => (window.requestIdleCallback ?? setTimeout)(done));

// What a script element of ours holds; a long one is packed.
async function heldIn(script) {
  const held = JSON.parse(script.textContent);
  return typeof held === "string" ? JSON.parse(await unzipped(held)) : held;
}

async function unpacked(name) {
  const text = await unzipped(document.getElementById(`${name}-js`).textContent);
  return URL.createObjectURL(new Blob([text], {type: "text/javascript"}));
}

function failed(node, error) {
  console.error(error);
  node.replaceChildren(make("p", {class: "missing"}, page.texts.failed));
}
