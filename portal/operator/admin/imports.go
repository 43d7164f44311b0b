package admin

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/intake"
	"tollhouse/billing/tenant"
	samples "tollhouse/docs/samples/import"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// batchesPerPage is how many imports stand on one page.
const batchesPerPage = 25

// importsView is the list of imports, with a form for another.
type importsView struct {
	ui.ConsolePage
	Done        string
	Form        form
	Batches     []intake.Batch
	Names       actors
	First, Next string
}

func imports(v *web.Visit) error { return showImports(v, newForm(nil)) }

func showImports(v *web.Visit, f form) error {
	view := importsView{ConsolePage: frame.Of(v, frame.Import, v.Reader.T("con.nav.import")), Done: v.Query("done"), Form: f}
	before := cursor(v)
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		if view.Batches, err = intake.List(ctx, tx, before, batchesPerPage+1); err != nil {
			return err
		}
		named := make([]string, len(view.Batches))
		for i, b := range view.Batches {
			named[i] = b.CreatedBy
		}
		view.Names, err = namesOf(ctx, tx, v, named)
		return err
	})
	if err != nil {
		return err
	}
	if before != uuid.Nil {
		view.First = v.Console("import")
	}
	if len(view.Batches) > batchesPerPage {
		view.Batches = view.Batches[:batchesPerPage]
		view.Next = v.Console("import", "before", view.Batches[batchesPerPage-1].ID.String())
	}
	return v.Show(f.status(), importsPage(view))
}

func openImport(v *web.Visit) error {
	f := sentForm(v, "name", "pending")
	var made intake.Batch
	again, err := once(v, "import.open", func(ctx context.Context, tx tenant.Tx) (act, error) {
		var err error
		made, err = v.Stack.Intake().Open(ctx, tx, intake.NewBatch{Name: f.Typed["name"], PendingOrders: f.Typed["pending"] != "", By: v.Who.Actor()})
		return act{"import", made.ID, map[string]any{"name": made.Name}}, err
	})
	if errors.Is(err, intake.ErrName) {
		f.refuse("name", v.Reader.T("admin.import.want.name"))
		return showImports(v, f)
	}
	if err != nil {
		return err
	}
	if again {
		return v.Lead(v.Console("import")) // it stands first in the list
	}
	return v.Lead(v.Console("import/" + made.ID.String()))
}

// columnsView documents what files hold.
type columnsView struct {
	ui.ConsolePage
	Kinds []intake.Kind
}

func importColumns(v *web.Visit) error {
	return v.Show(http.StatusOK, columnsPage(columnsView{frame.Of(v, frame.Import, v.Reader.T("admin.import.columns")), intake.Kinds}))
}

// columnWords says what a column of files of a kind holds. Columns of one name
// may hold another thing in some kind of file.
func columnWords(r ui.Reader, kind intake.Kind, column string) string {
	own := string(kind) + "." + column
	if words := worded(r, "admin.import.holds.", own); words != own {
		return words
	}
	return worded(r, "admin.import.holds.", column)
}

// sampleName is the file that shows what files of a kind look like.
func sampleName(kind intake.Kind) string {
	if kind == intake.Archive {
		return "documents.zip"
	}
	return string(kind) + ".csv"
}

// sample sends one of the samples.
func sample(v *web.Visit) error {
	for _, kind := range intake.Kinds {
		if v.Param("file") != sampleName(kind) {
			continue
		}
		content, err := samples.Files.ReadFile(sampleName(kind))
		if err != nil {
			return err
		}
		media := "text/csv; charset=utf-8"
		if kind == intake.Archive {
			media = "application/zip"
		}
		return v.Download(sampleName(kind), media, content)
	}
	return intake.ErrNotFound
}

// batchState says how far an import is.
func batchState(r ui.Reader, b intake.Batch) (ui.Tone, string) {
	words := r.T("admin.import.state." + string(b.State))
	switch {
	case b.State == intake.Checked && b.Errors > 0:
		return ui.Bad, r.N("admin.import.errors", int64(b.Errors))
	case b.State == intake.Checked:
		return ui.OK, words
	case b.State == intake.Committed:
		return ui.OK, words
	case b.State == intake.Committing:
		return ui.Info, words
	}
	return ui.Off, words
}

// checkClass makes the likeliest next step the one that stands out.
func checkClass(b intake.Batch) string {
	if b.Clean() {
		return "btn-quiet"
	}
	return "btn-primary"
}
