# What a developer does daily. Everything works without make, too: the commands
# are one line each.

.PHONY: run
run: ## start everything on http://127.0.0.1:8080
	go run ./cmd/stadtgraph dev

.PHONY: test
test: ## all tests, on a Postgres of their own
	go test ./...

.PHONY: generate
generate: ## graph/generated and docs/ from schema.graphql and the catalogue; commit what it writes
	go run -C tools ./generate
	go test ./graph -run '^TestDocs$$' -count=1 -update

.PHONY: lint
lint: ## golangci-lint at the version in tools/go.mod
	go tool -modfile=tools/go.mod golangci-lint run --allow-parallel-runners

.PHONY: schema-lint
schema-lint: tools/schemalint/node_modules/.package-lock.json ## public rules for schema.graphql; exceptions in tools/schemalint/eslint.config.mjs
	npm --prefix tools/schemalint run --silent lint

.PHONY: schema-diff
schema-diff: tools/schemalint/node_modules/.package-lock.json ## nothing in schema.released.graphql breaks
	npm --prefix tools/schemalint run --silent diff

.PHONY: schema-release
schema-release: tools/schemalint/node_modules/.package-lock.json ## make schema.graphql the released contract, whatever it breaks
	npm --prefix tools/schemalint run --silent diff -- --release

.PHONY: openapi-lint
openapi-lint: tools/openapilint/node_modules/.package-lock.json ## public rules for the description of the REST API
	npm --prefix tools/openapilint run --silent lint

tools/openapilint/node_modules/.package-lock.json: tools/openapilint/package-lock.json tools/openapilint/.npmrc
	npm --prefix tools/openapilint ci --no-progress
	touch $@

tools/schemalint/node_modules/.package-lock.json: tools/schemalint/package-lock.json tools/schemalint/.npmrc
	npm --prefix tools/schemalint ci --no-progress
	touch $@

.PHONY: clients
clients: ## public suites and clients against a server that it starts
	bash clients/run

FUZZTIME = 10s
FUZZED = graph:FuzzPlanner internal/server:FuzzGuard internal/ndjson:FuzzImport internal/foerderdatenbank:FuzzImport internal/register:FuzzRead \
	internal/plan:FuzzCursor internal/change:FuzzCursor internal/nodeid:FuzzParse

.PHONY: fuzz
fuzz: ## looks for inputs that break something, two targets at a time; what it finds is in testdata/fuzz
	printf '%s\n' $(FUZZED) | xargs -P 2 -I {} bash -c 'target={}; \
		go test -run "^$$" -fuzz "^$${target#*:}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x -parallel 1 "./$${target%:*}"'

.PHONY: bench
bench: ## what reading costs, beside the best by hand; into bench/RESULTS.md
	go run ./bench

.PHONY: ci
ci: ## what has to pass before a change lands
	bash .ci/run
