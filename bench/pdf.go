package bench

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"tollhouse/bench/baseline"
	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf"
)

const pdfGoal = 100 // bills a second

// printBills draws one-page bills, each with its own number, amounts and code
// to pay, on all cores, as a run's mails ask for them.
func printBills(ctx context.Context, s scale, say reporter) (Result, error) {
	span := time.Second
	if s.judged {
		span = 4 * time.Second
	}
	var size atomic.Int64
	ours := func(n int) error {
		d := pdf.Sample(n)
		var out bytes.Buffer
		if err := pdf.Render(&out, d); err != nil {
			return err
		}
		size.Store(int64(out.Len()))
		return nil
	}
	texts := bareText(pdf.Sample(1))
	regular, strong := pdf.Fonts()
	bare := func(int) error { return baseline.DrawText(new(bytes.Buffer), regular, strong, texts) }
	if err := ours(1); err != nil { // fonts are read once a process
		return Result{}, err
	}
	var rates, bares rounds
	for round := range 3 {
		say("round %d", round+1)
		rate, err := printed(ctx, span, ours)
		if err != nil {
			return Result{}, err
		}
		other, err := printed(ctx, span, bare)
		if err != nil {
			return Result{}, err
		}
		rates, bares = append(rates, rate), append(bares, other)
	}
	value := rates.median()
	r := Result{
		Value: value, Unit: "bills/s", Goal: fmt.Sprintf("≥ %d bills/s", pdfGoal), OK: value >= pdfGoal,
		Note: fmt.Sprintf("one page, tagged, fonts embedded, a code to pay, %d KB; baseline: fpdf drawing the same bare text; %d cores", size.Load()/1024, runtime.NumCPU()),
	}
	r.beside(bares.median())
	return r, nil
}

// printed runs work on all cores for a while and counts.
func printed(ctx context.Context, span time.Duration, work func(n int) error) (float64, error) {
	var wait sync.WaitGroup
	var done atomic.Int64
	var failed atomic.Pointer[error]
	began := time.Now()
	for range runtime.NumCPU() {
		wait.Go(func() {
			for time.Since(began) < span && ctx.Err() == nil {
				if err := work(int(done.Add(1))); err != nil {
					failed.Store(&err)
					return
				}
			}
		})
	}
	wait.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(done.Load()) / time.Since(began).Seconds(), ctx.Err()
}

// bareText is what is written on a bill, line under line.
func bareText(d bill.Document) []baseline.Text {
	var texts []baseline.Text
	y := 60.0
	write := func(x, size float64, strong bool, text string) {
		texts = append(texts, baseline.Text{X: x, Y: y, Size: size, Strong: strong, Text: text})
	}
	for _, text := range []string{d.Operator.Name, d.Seller.Name, d.Seller.Address.Street, d.Seller.Address.City, d.Buyer.Name, d.Buyer.Address.Street,
		d.Buyer.Address.City, d.Number, d.Issued.String(), d.DueDate.String(), d.Reference, d.Seller.Bank.IBAN, d.Seller.Bank.BIC, d.Seller.TaxID, d.Operator.Support} {
		write(57, 9.5, true, text)
		y += 13
	}
	for _, l := range d.Lines {
		write(57, 9.5, false, l.Description)
		write(330, 8, false, d.Locale.FormatPeriod(l.Period))
		write(430, 9.5, false, d.Locale.FormatPercent(l.Percent))
		write(500, 9.5, false, d.Locale.FormatFigure(l.Price))
		y += 18
	}
	for _, a := range []string{d.Locale.FormatMoney(d.Net), d.Locale.FormatMoney(d.Tax), d.Locale.FormatMoney(d.Total), d.Locale.FormatMoney(d.Due)} {
		write(500, 9.5, true, a)
		y += 14
	}
	return texts
}
