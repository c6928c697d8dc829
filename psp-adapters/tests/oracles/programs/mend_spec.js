"use strict";
// Reads a published OpenAPI file and writes what a validator can use of it, as JSON.
//
//   node mend_spec.js FILE BASE PATH...
//
// BASE is put before every path, because the validator's own address has none. PATHs are kept, with what
// they refer to; the files describe hundreds of resources, and loading all of them takes minutes.
// Webhooks become paths named after themselves, so that a sent one can be checked by posting it.
//
// What is mended, because the published text contradicts its own examples:
//  - patterns written with slashes around them, "/^\d{11}$/", which no value can match;
//  - patterns of amounts and ids without anchors, which nearly every value matches;
//  - `location: {format: uri}` where every example lacks the scheme.

const fs = require("node:fs");
const yaml = require("yaml");

const [file, base, ...kept] = process.argv.slice(2);
const spec = yaml.parse(fs.readFileSync(file, "utf8"), { maxAliasCount: -1 });

const all = { ...spec.paths };
for (const [name, item] of Object.entries(spec.webhooks ?? {})) all[`/${name.replace(/^\//, "")}`] = item;
delete spec.webhooks;
delete spec.servers;

spec.paths = {};
for (const path of kept) {
  if (!all[path]) throw new Error(`${file} has no ${path}, only ${Object.keys(all).join(" ")}`);
  spec.paths[base + path] = all[path];
}

const mended = (pattern) => {
  const bare = pattern.replace(/^\/(.*)\/$/, "$1");
  return /^\^|\$$/.test(bare) ? bare : `^(?:${bare})$`;
};

const found = new Set();
const visit = (node, name) => {
  if (Array.isArray(node)) return node.forEach((item) => visit(item, name));
  if (node === null || typeof node !== "object") return;
  if (typeof node.pattern === "string") node.pattern = mended(node.pattern);
  if (name === "location" && node.format === "uri") delete node.format;
  if (typeof node.$ref === "string" && !found.has(node.$ref)) {
    found.add(node.$ref);
    const keys = node.$ref.replace(/^#\//, "").split("/");
    const unescaped = keys.map((key) => decodeURIComponent(key).replace(/~1/g, "/").replace(/~0/g, "~"));
    visit(unescaped.reduce((at, key) => at?.[key], spec), unescaped.at(-1));
  }
  for (const [key, value] of Object.entries(node)) visit(value, key);
};
visit(spec.paths);

for (const [kind, entries] of Object.entries(spec.components ?? {})) {
  if (kind === "securitySchemes") continue;
  const prefix = `#/components/${kind}/`;
  for (const key of Object.keys(entries)) {
    if (!found.has(prefix + key)) delete entries[key];
  }
}
process.stdout.write(JSON.stringify(spec));
