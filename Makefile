# Short names for what one does often. Everything runs in the environment that is active;
# `make dev` makes one in .venv.
PYTHON ?= python3
# All samples but the one that is there for its mistake.
SOUND = $(filter-out samples/article_keras_listing.cnn,$(wildcard samples/*.cnn))

.PHONY: dev test frameworks tools wheel lint format tables fuzz fuzz-nets fuzz-texts bench site playground ci

dev:
	$(PYTHON) -m venv .venv
	.venv/bin/pip install -e '.[dev]'

test:
	$(PYTHON) -m pytest -n 2

# What the tests have some of, or none: every sample and layer in the frameworks, pictures in
# Chromium and pages of TeX, what wants a package registry.
frameworks:
	$(PYTHON) -m pytest -n 2 -m 'frameworks or sweep'

tools:
	$(PYTHON) -m pytest -n 2 -m tools

wheel:
	$(PYTHON) -m pytest -n 2 --dist loadfile -m wheel tests/test_wheel.py tests/test_ci.py

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m black --check --quiet .
	$(PYTHON) -m mypy
	$(PYTHON) -m cnndsl.syntax.generate --check
	$(PYTHON) -m cnndsl.highlight.generate --check
	$(PYTHON) -m cnndsl fmt --check samples
	$(PYTHON) -m cnndsl check --no-cache --error-on-warning $(SOUND)

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m black --quiet .
	$(PYTHON) -m cnndsl fmt samples

tables:
	$(PYTHON) -m cnndsl.syntax.generate
	$(PYTHON) -m cnndsl.highlight.generate

# How many examples each property gets, others each time, and which tests:
# `make fuzz N=20000 K=targets_agree`.
N ?= 5000
K ?= hypothesis or fuzz
fuzz:
	N=$(N) HYPOTHESIS_PROFILE=fuzz $(PYTHON) -m pytest -n 2 -m "not (tools or wheel)" -k "$(K)"

# So many random nets through the generators of code, a share of them with values:
# `make fuzz-nets N=10000 VALUES=0.05`.
VALUES ?= 0.05
fuzz-nets:
	$(PYTHON) tests/fuzz_nets.py --count $(N) --values $(VALUES)

# Damaged files through every command, held to time and memory, for so many minutes: nets, the
# rest (posts, configurations, baselines, caches, weights) or all. `make fuzz-texts KIND=nets`.
MINUTES ?= 20
KIND ?= all
fuzz-texts:
	$(PYTHON) tests/fuzz_long.py --minutes $(MINUTES) --kind $(KIND)

bench:
	$(PYTHON) benchmarks/run.py

# The documentation as pages, in site/, with the colours of its code.
PAGES = *.md docs grammar samples benchmarks/README.md cnndsl/diagnostics/pages
SITE ?= site
site:
	rm -rf build/pages && mkdir -p build/pages
	tar -cf - $(PAGES) | tar -xf - -C build/pages
	$(PYTHON) -m pygments -S default -f html -a .highlight >build/pages/pygments.css
	$(PYTHON) -m pygments -S github-dark -f html -a '[data-bs-theme=dark] .highlight' \
		>>build/pages/pygments.css
	$(PYTHON) -m mkdocs build --strict --site-dir $(abspath $(SITE))

# The page in the browser, as static files in playground/dist; wants Node.js and its packages.
playground: node_modules
	PYTHON=$(PYTHON) npm run --workspace playground build

node_modules: package-lock.json
	npm ci --ignore-scripts
	touch $@

ci:
	.ci/run
