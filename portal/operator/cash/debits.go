package cash

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/bank/pain"
	"tollhouse/billing/calendar"
	"tollhouse/billing/debit"
	"tollhouse/billing/identity"
	"tollhouse/billing/payment"
	"tollhouse/billing/reconcile"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

func itoa(n int) string { return strconv.Itoa(n) }

var runTones = map[debit.RunState]ui.Tone{debit.Made: ui.Info, debit.Sent: ui.Warn, debit.Done: ui.OK, debit.Cancelled: ui.Off}

// debits shows collections by direct debit.
func debits(v *web.Visit, f *fault) error {
	p, r := newPage(v, frame.Debits), v.Reader
	var list []debit.Run
	var laid payment.Policy
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if list, err = debit.Runs(ctx, tx, 50); err == nil {
			laid, err = payment.GetPolicy(ctx, tx)
		}
		return err
	})
	if err != nil {
		return err
	}
	may := v.May(identity.PaymentWrite)
	runs := panel{id: "runs", title: r.T("money.runs"), none: r.T("money.runs.none"), head: p.heads("run", "day", "entries", "amount", "state", "decision")}
	if laid.Debit.CreditorID == "" {
		runs.lead = r.T("money.runs.off")
	} else if may {
		day := p.input(v, "collect_on", debit.Earliest(r.Today, laid.Debit).String())
		day.Kind = "date"
		runs.forms = []form{{action: v.Console("debits"), button: r.T("money.run.make"), fields: []field{day}}}
	}
	for _, one := range list {
		line := row{cells: []cell{text(one.MessageID), text(r.Date(one.CollectOn)), number(itoa(one.Count)), number(r.Money(one.Total)), {text: r.T("money.run." + string(one.State)), tone: runTones[one.State]}}}
		if may && one.State != debit.Cancelled {
			line.forms = append(line.forms, form{action: v.Console("debits/" + one.ID.String() + "/file"), button: r.T("money.run.file"), quiet: true})
		}
		if may && one.State == debit.Made {
			line.forms = append(line.forms, form{action: v.Console("debits/" + one.ID.String() + "/cancel"), button: r.T("money.run.cancel"), quiet: true})
		}
		runs.rows = append(runs.rows, line)
	}
	p.panels, p.links = []panel{runs}, [][2]string{{r.T("mandate.title"), v.Console("debits/mandates")}}
	if may {
		answer := p.input(v, "answer", "")
		answer.Kind = "file"
		mandate := form{action: v.Console("debits/mandates"), button: r.T("money.mandate.sign")}
		for _, name := range []string{"number", "holder", "iban", "bic", "reference", "signed_on"} {
			in := p.input(v, name, "")
			in.Optional = name == "bic" || name == "reference" || name == "signed_on"
			if name == "signed_on" {
				in.Kind = "date"
			}
			mandate.fields = append(mandate.fields, in)
		}
		p.panels = append(p.panels, panel{id: "mandate", title: r.T("money.mandate"), lead: r.T("money.mandate.lead"), forms: []form{mandate}},
			panel{id: "answers", title: r.T("money.answers"), lead: r.T("money.answers.lead"), forms: []form{{action: v.Console("debits/answers"), button: r.T("money.import"), file: true, fields: []field{answer}}}})
	}
	return p.answer(v, f)
}

func makeRun(v *web.Visit) error {
	day, err := calendar.ParseDate(v.Form("collect_on"))
	if err != nil && v.Form("collect_on") != "" {
		return debits(v, &fault{"collect_on", v.Reader.T("biz.run.day.not")})
	}
	id := command.ID(v)
	return carry(v, "debit_run.make", "debit_run", id, "debits", func(ctx context.Context, tx tenant.Tx) error {
		_, err := v.Stack.Debits().Make(ctx, tx, debit.NewRun{ID: id, CollectOn: day, By: v.Who.Actor()})
		return err
	}, debits)
}

func sendRun(v *web.Visit) error {
	id := parsed(v.Param("run"))
	var file bytes.Buffer
	err := v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		file.Reset()
		if err := v.Stack.Debits().File(ctx, tx, id, &file); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Caller: v.Caller(), Action: "debit_run.send", Object: "debit_run", ObjectID: id})
	})
	if err != nil {
		return after(v, err, "debits", debits)
	}
	return v.Download("pain.008-"+id.String()[:8]+".xml", "application/xml", file.Bytes())
}

func cancelRun(v *web.Visit) error {
	id := parsed(v.Param("run"))
	return carry(v, "debit_run.cancel", "debit_run", id, "debits", func(ctx context.Context, tx tenant.Tx) error { return debit.Cancel(ctx, tx, id) }, debits)
}

// sign keeps a mandate that was signed on paper.
func sign(v *web.Visit) error {
	id := command.ID(v)
	var signed calendar.Date
	if typed := v.Form("signed_on"); typed != "" {
		var err error
		if signed, err = calendar.ParseDate(typed); err != nil {
			return debits(v, &fault{"signed_on", v.Reader.T("biz.run.day.not")})
		}
	}
	return carry(v, "mandate.sign", "payment_method", id, "debits", func(ctx context.Context, tx tenant.Tx) error {
		owner, err := account.ByNumber(ctx, tx, strings.TrimSpace(v.Form("number")))
		if err != nil {
			return err
		}
		_, err = v.Stack.Debits().Sign(ctx, tx, debit.NewMandate{ID: id, AccountID: owner.ID, Holder: v.Form("holder"), IBAN: v.Form("iban"), BIC: v.Form("bic"),
			Reference: v.Form("reference"), SignedOn: signed, Signed: debit.OnPaper})
		return err
	}, debits)
}

func readAnswer(v *web.Visit) error {
	file := v.File("answer")
	if file == nil {
		return debits(v, &fault{"answer", v.Reader.T("money.file.missing")})
	}
	opened, err := file.Open()
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	answer, err := pain.ReadAnswer(io.LimitReader(opened, maxStatement))
	if err != nil {
		return after(v, err, "debits", debits)
	}
	err = v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		n, err := debit.Answered(ctx, tx, answer)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Caller: v.Caller(), Action: "debit_answer.import", Object: "debit_run", Detail: map[string]any{"rejected": n}})
	})
	return after(v, err, "debits", debits)
}

var disputeTones = map[payment.DisputeState]ui.Tone{payment.DisputeOpen: ui.Warn, payment.DisputeWon: ui.OK, payment.DisputeLost: ui.Bad}

// disputes shows what payers' banks took back, what the provider paid out, and
// takes payments to the right account.
func disputes(v *web.Visit, f *fault) error {
	p, r := newPage(v, frame.Disputes), v.Reader
	var list []payment.Dispute
	var paid []reconcile.Payout
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if list, err = payment.ListDisputes(ctx, tx, 50); err == nil {
			paid, err = reconcile.Payouts(ctx, tx, 50)
		}
		return err
	})
	if err != nil {
		return err
	}
	may := v.May(identity.PaymentWrite)
	one := panel{id: "disputes", title: r.T("money.disputes"), none: r.T("money.disputes.none"), head: p.heads("day", "amount", "kind", "reason", "state", "evidence", "decision")}
	for _, d := range list {
		due := ""
		if d.EvidenceDue != nil {
			due = r.DateTime(*d.EvidenceDue)
		}
		if d.EvidenceSent != nil {
			due = r.T("money.evidence.sent", "at", r.Short(*d.EvidenceSent))
		}
		line := row{cells: []cell{{text: r.Short(d.OpenedAt), href: v.Console("payments/" + d.PaymentID.String())}, number(r.Money(d.Amount)), text(r.T("money.back." + string(d.Kind))), text(d.Reason),
			{text: r.T("money.dispute." + string(d.State)), tone: disputeTones[d.State]}, text(due)}}
		if may && d.State == payment.DisputeOpen && d.EvidenceSent == nil {
			line.forms = []form{{action: v.Console("disputes/" + d.ID.String() + "/evidence"), button: r.T("money.evidence.note"), quiet: true}}
		}
		one.rows = append(one.rows, line)
	}
	outs := panel{id: "payouts", title: r.T("money.payouts"), lead: r.T("money.payouts.lead"), none: r.T("money.payouts.none"), head: p.heads("payout", "day", "gross", "fees", "amount", "differences", "state")}
	if may {
		outs.forms = []form{{action: v.Console("payouts"), button: r.T("money.payouts.fetch")}}
	}
	for _, o := range paid {
		state := cell{text: r.T("money.payout.waits"), tone: ui.Info}
		if o.EntryID != nil {
			state = cell{text: r.T("money.payout.arrived"), tone: ui.OK}
		}
		var wrong []string
		for _, l := range o.Lines {
			if l.Fault != "" {
				wrong = append(wrong, l.Ref+" "+r.Money(l.Gross)+": "+r.T("money.fault."+l.Fault))
			}
		}
		outs.rows = append(outs.rows, row{cells: []cell{text(o.Reference), text(r.Date(o.ArrivesOn)), number(r.Money(o.Gross)), number(r.Money(o.Fees)), number(r.Money(o.Amount)), text(strings.Join(wrong, "; ")), state}})
	}
	p.panels = []panel{one, outs}
	if may {
		move := form{action: v.Console("reassign"), button: r.T("money.reassign")}
		for _, name := range []string{"payment", "number", "why"} {
			in := p.input(v, name, v.Query(name))
			if name == "payment" {
				in.Hint = r.T("money.reassign.hint")
			}
			move.fields = append(move.fields, in)
		}
		p.panels = append(p.panels, panel{id: "reassign", title: r.T("money.reassign"), lead: r.T("money.reassign.lead"), forms: []form{move}})
	}
	return p.answer(v, f)
}

func noteEvidence(v *web.Visit) error {
	id := parsed(v.Param("dispute"))
	return carry(v, "dispute.evidence", "dispute", id, "disputes", func(ctx context.Context, tx tenant.Tx) error { return payment.NoteEvidence(ctx, tx, id) }, disputes)
}

func fetchPayouts(v *web.Visit) error {
	_, err := v.Stack.FetchPayouts(v.Context(), v.Who.Actor())
	return after(v, err, "disputes", disputes)
}

// reassign takes a payment to another account. Its id may be the address of its
// page.
func reassign(v *web.Visit) error {
	typed := strings.TrimSpace(v.Form("payment"))
	id := parsed(typed[strings.LastIndexByte(typed, '/')+1:])
	if id == uuid.Nil {
		return disputes(v, &fault{"payment", v.Reader.T("money.payment.not")})
	}
	made := command.ID(v)
	return carry(v, "payment.reassign", "payment", id, "disputes", func(ctx context.Context, tx tenant.Tx) error {
		to, err := account.ByNumber(ctx, tx, strings.TrimSpace(v.Form("number")))
		if err != nil {
			return err
		}
		_, err = payment.Reassign(ctx, tx, payment.Movement{ID: made, PaymentID: id, To: to.ID, Reason: v.Form("why"), By: v.Who.Actor()})
		return err
	}, disputes)
}
