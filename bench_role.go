package main

import (
	"context"

	"tollhouse/bench"
)

// runBench measures; its sources of comparison stand in bench/baseline.
func runBench(ctx context.Context, p process) error {
	return bench.Run(ctx, p.args, p.stdout, p.stderr)
}
