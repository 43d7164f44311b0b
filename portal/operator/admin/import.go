package admin

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"tollhouse/billing/intake"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// findingsPerPage is how many findings stand on one page.
const findingsPerPage = 100

// importView is one import.
type importView struct {
	ui.ConsolePage
	intake.Batch
	Done     string
	Act      string // key of the buttons' forms
	Form     form   // of the files
	Said     form   // of the totals said beforehand
	Files    []intake.File
	Totals   []total
	Findings []intake.Finding
	First    string
	Next     string
	Job      *ui.Job // work under way
	Refused  string  // why the last work came to nothing, in words
	At       string  // address of this import
}

// editable says whether files and totals can be changed.
func (i importView) editable() bool { return i.Job == nil && i.State != intake.Committed }

func batchOf(v *web.Visit) (b intake.Batch, err error) {
	id, err := uuid.Parse(v.Param("batch"))
	if err != nil {
		return b, intake.ErrNotFound
	}
	err = read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		b, err = intake.Get(ctx, tx, id)
		return err
	})
	return b, err
}

func importPage(v *web.Visit) error {
	b, err := batchOf(v)
	if err != nil {
		return err
	}
	return showImport(v, b, newForm(nil), totalsForm(b))
}

func showImport(v *web.Visit, b intake.Batch, files, said form) error {
	view := importView{ConsolePage: frame.Of(v, frame.Import, b.Name), Done: v.Query("done"), Act: newForm(nil).Key, Form: files, Said: said,
		At: v.Console("import/" + b.ID.String())}
	last := lastImport(v) // before the batch is read: work that ends in between is still shown as under way
	from, err := strconv.Atoi(v.Query("from"))
	if err != nil || from < 0 {
		from = 0
	}
	err = read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		if view.Batch, err = intake.Get(ctx, tx, b.ID); err != nil {
			return err
		}
		if view.Files, err = intake.Files(ctx, tx, b.ID); err != nil {
			return err
		}
		view.Findings, err = intake.Findings(ctx, tx, b.ID, from, findingsPerPage+1)
		return err
	})
	if err != nil {
		return err
	}
	view.Totals = totalsOf(v, view.Batch, said)
	view.Job, view.Refused = importJob(v, view.Batch, last)
	if from > 0 {
		view.First = view.At
	}
	if len(view.Findings) > findingsPerPage {
		view.Findings = view.Findings[:findingsPerPage]
		view.Next = v.Console("import/"+b.ID.String(), "from", strconv.Itoa(from+findingsPerPage))
	}
	return v.Show(max(files.status(), said.status()), importBatchPage(view))
}

// importState gives the progress as a part; when the work has ended, the page
// is read again.
func importState(v *web.Visit) error {
	last := lastImport(v)
	b, err := batchOf(v)
	if err != nil {
		return err
	}
	if !v.Part("import-state") {
		return v.Redirect(v.Console("import/" + b.ID.String()))
	}
	job, _ := importJob(v, b, last)
	if job == nil {
		return v.Reload()
	}
	return v.Show(http.StatusOK, ui.JobProgress(v.Reader, *job))
}

// removeFile takes a file out of an import.
func removeFile(v *web.Visit) error {
	b, err := batchOf(v)
	if err != nil {
		return err
	}
	file, err := idIn(v, "file")
	if err != nil {
		return err
	}
	_, err = once(v, "import.remove", func(ctx context.Context, tx tenant.Tx) (act, error) {
		return act{"import", b.ID, map[string]any{"file": file}}, v.Stack.Intake().Remove(ctx, tx, b.ID, file)
	})
	if errors.Is(err, intake.ErrState) {
		return v.Lead(v.Console("import/" + b.ID.String())) // its page says what is under way
	}
	if err != nil {
		return err
	}
	return after(v, "import/"+b.ID.String(), "import.removed")
}

// findingsSheet sends all findings that are kept as a file.
func findingsSheet(v *web.Visit) error {
	b, err := batchOf(v)
	if err != nil {
		return err
	}
	r := v.Reader
	sheet := web.NewSheet(r.T("admin.import.file"), r.T("admin.import.line"), r.T("admin.import.column"), r.T("admin.import.wrong"), r.T("admin.import.value"), r.T("admin.import.right"))
	err = read(v, func(ctx context.Context, tx tenant.Tx) error {
		for from := 0; ; {
			found, err := intake.Findings(ctx, tx, b.ID, from, findingsPerPage)
			if err != nil || len(found) == 0 {
				return err
			}
			for _, f := range found {
				sheet.Add(f.File, strconv.Itoa(f.Line), f.Column, r.T("admin.import.code."+string(f.Code)), f.Value, f.Want)
			}
			from += len(found)
		}
	})
	if err != nil {
		return err
	}
	return v.SendSheet("findings", sheet)
}

// lineText is the line of a finding; nothing for a file as a whole.
func lineText(n int) string {
	if n == 0 {
		return "–"
	}
	return strconv.Itoa(n)
}

// whole writes a count as the reader does.
func whole(r ui.Reader, n int) string { return r.Number(money.NewDecimal(int64(n))) }
