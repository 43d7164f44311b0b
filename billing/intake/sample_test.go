package intake_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"tollhouse/billing/intake"
)

var update = flag.Bool("update", false, "write docs/samples/import/README.md anew")

const guide = `# Import files

What Tollhouse takes over from another billing system. The files beside this one are a small operator of thirty subscribers
on the offerings of ../offerings; they fit a business day from 2 to 14 May 2026.

- CSV in UTF-8, with or without a byte order mark, separated by commas or semicolons, lines ended as on any system.
- The first line names the columns. Their order is free; a column that is not needed may be left out; an unknown one is an error.
- Dates are written 2026-01-31, decimals with a point.
- All accounts that a file names are in a subscribers file of the same batch; so are services.
- At most %d MB a CSV file, %d MB an archive, %s lines of a kind, %d files a batch, %d MB a PDF.
- A services file may have the facts that an offering asks for itself as further columns (identity_number in the samples).
- Opening balances go into the ledger as postings of the event import against the account opening.

Import in this order: upload all files, check (the dry run: nothing is changed), compare the control totals, commit. Until the
first charge, bill or payment of one of its accounts a batch can be undone, and the same files imported again.
`

// told is the guide with all columns.
func told() string {
	var out strings.Builder
	fmt.Fprintf(&out, guide, intake.MaxFileBytes>>20, intake.MaxArchiveBytes>>20, "100,000", intake.MaxFiles, intake.MaxPDFBytes>>20)
	for _, kind := range intake.Kinds {
		fmt.Fprintf(&out, "\n## %s\n\n", kind)
		if kind == intake.Archive {
			out.WriteString("A ZIP of PDFs; each is named by a line of a documents file.\n")
			continue
		}
		out.WriteString("| Column | Needed | Holds |\n|---|---|---|\n")
		for _, c := range intake.Columns(kind) {
			needed := ""
			if c.Required {
				needed = "yes"
			}
			fmt.Fprintf(&out, "| %s | %s | %s |\n", c.Name, needed, c.Want)
		}
	}
	return out.String()
}

func TestSamples_guideTellsEveryColumn(t *testing.T) {
	t.Parallel()
	const path = "../../docs/samples/import/README.md"
	if *update {
		if err := os.WriteFile(path, []byte(told()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != told() {
		t.Errorf("%s is not what the columns are (run with -update): %v", path, err)
	}
}
