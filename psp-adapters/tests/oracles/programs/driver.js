"use strict";
// Answers one question a line, as driver.py does. Packages are found through NODE_PATH.

const readline = require("node:readline");

exports.serve = async (functions) => {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { ask, ...question } = JSON.parse(line);
    let answer;
    try {
      answer = { ok: (await functions[ask](question)) ?? null };
    } catch (error) {
      answer = { error: error.constructor.name, message: String(error.message) };
    }
    write(JSON.stringify(answer) + "\n");
  }
};
