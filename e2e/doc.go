// Package e2e tests the built binary from outside, as a person, a network and
// a power cut meet it: `tollhouse demo` as a process of its own, spoken to by
// HTTP.
//
// It owns the tests of what only shows across restarts and whole runs: that
// nothing answered is lost, that docs/walk.md is true, that a seed decides the
// demo's totals. It does not own rules of single packages; they are tested
// beside their code.
//
// Always true:
//   - Only processes that these tests started are ended, by their ids.
//   - What is drawn at random follows from a seed that is printed; E2E_SEED
//     sets it.
package e2e
