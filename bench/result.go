package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Result is one measured figure beside its baseline. A benchmark without a
// baseline has neither Baseline nor Ratio.
type Result struct {
	Name         string   `json:"name"`
	Value        float64  `json:"value"`
	Unit         string   `json:"unit"`
	Baseline     *float64 `json:"baseline"`
	BaselineUnit string   `json:"baseline_unit"`
	Ratio        *float64 `json:"ratio"` // value by baseline; over rounds, the median of each round's
	Goal         string   `json:"goal"`
	OK           bool     `json:"ok"`
	Note         string   `json:"note"`
}

// beside sets the baseline and the ratio to it.
func (r *Result) beside(baseline float64) {
	ratio := r.Value / baseline
	r.Baseline, r.BaselineUnit, r.Ratio = &baseline, r.Unit, &ratio
}

// merge replaces results of the same name and keeps the others, by name.
func merge(old, fresh []Result) []Result {
	merged := slices.Clone(fresh)
	for _, r := range old {
		if !slices.ContainsFunc(fresh, func(f Result) bool { return f.Name == r.Name }) {
			merged = append(merged, r)
		}
	}
	slices.SortFunc(merged, func(a, b Result) int { return strings.Compare(a.Name, b.Name) })
	return merged
}

// save merges results into a file. It is replaced as a whole, so that a reader
// never sees half of it.
func save(path string, fresh []Result) error {
	old, err := load(path)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(merge(old, fresh), "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func load(path string) ([]Result, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var results []Result
	if err := json.Unmarshal(text, &results); err != nil {
		return nil, fmt.Errorf("results in %s: %w", path, err)
	}
	return results, nil
}
