# What README tells people to run. Every target makes .venv by itself, and again when the lock changed.
PYTHON ?= python3
bin := .venv/bin
lock := requirements-dev.lock
ready := .venv/.ready-$(shell sha256sum $(lock) | cut -c1-16)
pip := $(bin)/pip --disable-pip-version-check --quiet
LOCK_FLAGS := --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11

.PHONY: help demo incidents test check bench compat generate lock stubs clean

help:
	@echo "make demo      a simulated merchant with lnwatch beside it, until Ctrl-C"
	@echo "make incidents every scenario through the daemon, and what it made of them"
	@echo "make test      every test; what needs the real stack is skipped where that is not built"
	@echo "make check     ruff, mypy, the import directions"
	@echo "make bench     speed and memory, beside the obvious way"
	@echo "make compat    the real tests over every supported release of LND"
	@echo "make generate  alerts, dashboards and the lists of README anew from the code"
	@echo "make lock      requirements*.lock anew from pyproject.toml"
	@echo "make stubs     the gRPC stubs anew from their .proto"
	@echo "make clean     .venv and everything that was made"

$(ready):
	test -x $(bin)/python || $(PYTHON) -m venv .venv
	$(pip) install --require-hashes -r $(lock)
	$(pip) install --no-deps -e .
	rm -f .venv/.ready-*
	touch $@

# As many processes as tests/conftest.py makes of the machine; tests/scheduling.py says who runs what, and when.
WORKERS ?= auto

test: $(ready)
	$(bin)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

demo: $(ready)
	@$(bin)/lnwatch demo $(ARGS)

incidents: $(ready)
	$(bin)/lnwatch simulate --scenario all --report incidents.json $(ARGS)

check: $(ready)
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/pytest -q tests/test_architecture.py

bench: $(ready)
	$(bin)/python -m bench $(PARTS)

compat: $(ready)
	$(bin)/python -m tests.real.compat $(ARGS)

generate: $(ready)
	$(bin)/lnwatch alerts build --paging lnwatch --public-url http://127.0.0.1:8735
	$(bin)/python -m dashboards.build
	$(bin)/python -m tests.deploy.readme

lock:
	@command -v uv >/dev/null || { echo "make lock: uv is missing: pip install uv" >&2; exit 1; }
	uv pip compile $(LOCK_FLAGS) --all-extras pyproject.toml -o $(lock)
	uv pip compile $(LOCK_FLAGS) --extra postgres --extra apprise -c $(lock) pyproject.toml -o requirements.lock

stubs: $(ready)
	$(bin)/python -m lnwatch.grpc_stubs.generate

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -exec rm -rf {} +
