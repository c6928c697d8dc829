# Thin: what a target needs and does is in scripts/.

.PHONY: run test demo bench fmt lint

# The whole house on this machine: private database, mock PSPs, service and console.
run:
	@scripts/run.sh

# Every check and test; installs what is missing first.
test:
	@scripts/test.sh

# Plays the demo story against a sandbox that runs in another terminal.
demo:
	@scripts/demo.sh

bench:
	@scripts/bench.sh $(ARGS)

fmt:
	@cargo fmt --all

lint:
	@scripts/lint.sh
