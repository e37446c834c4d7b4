# The API in an image of its own: docker build -t stadtgraph .
#
# It needs DATABASE_URL, listens on 8080 and brings the database's schema up to
# date when it starts. Other commands take the place of the last line:
#   docker run --rm -e DATABASE_URL=… stadtgraph doctor

FROM golang:1.26-alpine AS build
WORKDIR /src
# Modules first: this layer is built again only when they change.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /stadtgraph ./cmd/stadtgraph

# Alpine rather than an image without a shell: its wget asks the server for its
# health, and a person can look around in a running container.
FROM alpine:3.22
RUN apk add --no-cache ca-certificates tzdata \
    && adduser -D -H -u 10001 stadtgraph
COPY --from=build /stadtgraph /usr/local/bin/stadtgraph
COPY LICENSE DATA_CREDITS.md /usr/local/share/doc/stadtgraph/
# By number, so that an orchestrator can tell that it is not root.
USER 10001:10001
# In a container the loopback address would reach nobody.
ENV STADTGRAPH_LISTEN=0.0.0.0:8080
EXPOSE 8080
# Ready means that the database answers and its schema is the one expected.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD wget -q -O /dev/null http://127.0.0.1:8080/readyz || exit 1
ENTRYPOINT ["stadtgraph"]
CMD ["serve", "--migrate"]
