"""Answers one question a line, so that a library is loaded once for a whole test.

A question is `{"ask": NAME, ...}`; the answer is `{"ok": ...}`, or `{"error": CLASS, "message": ...}` for
whatever the library raised. Standard output belongs to the answers: what a library prints goes elsewhere.
"""

import json
import sys


def serve(functions):
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = {"ok": functions[question.pop("ask")](**question)}
        except Exception as error:  # a library's refusal is the answer
            answer = {"error": type(error).__name__, "message": str(error)}
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()
