// Package oapi is the HTTP API as openapi.yaml declares it: its types, its
// routes and the document itself, all generated.
//
// It owns nothing by hand. It does not own what an operation does (package api).
//
// Always true:
//   - Nothing here is edited; `go generate ./api/oapi` makes it again from
//     openapi.yaml, and the build is refused where the two differ.
package oapi

//go:generate go tool -modfile=../../tools/gen/go.mod oapi-codegen -config config.yaml ../../openapi.yaml
