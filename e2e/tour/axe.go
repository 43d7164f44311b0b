package tour

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

//go:embed axe.min.js
var axe string

// Violation is what axe-core finds wrong with a page.
type Violation struct {
	ID     string
	Impact string
	Help   string
	Nodes  []string // of the elements, as text
}

func (v Violation) String() string {
	return fmt.Sprintf("%s (%s): %s\n    %s", v.ID, v.Impact, v.Help, strings.Join(v.Nodes, "\n    "))
}

// Check looks at the open page by the rules of WCAG 2.2 level A and AA, and
// axe's best practices.
func Check(page context.Context) ([]Violation, error) {
	short, cancel := context.WithTimeout(page, 2*actionTime)
	defer cancel()
	if _, err := chromedp.Run(short, chromedp.Evaluate[bool](axe+"; true")); err != nil {
		return nil, fmt.Errorf("load axe-core: %w", err)
	}
	const run = `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then(r => r.violations.map(v => ({ID: v.id, Impact: v.impact || "", Help: v.help,
			Nodes: v.nodes.slice(0, 4).map(n => n.html.slice(0, 300) + " :: " + (n.failureSummary || "").replace(/\s+/g, " ").slice(0, 300))})))`
	found, err := chromedp.Run(short, chromedp.Evaluate[[]Violation](run, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, fmt.Errorf("run axe-core: %w", err)
	}
	return found, nil
}
