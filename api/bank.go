package api

import (
	"bytes"
	"context"
	"io"
	"strconv"

	"tollhouse/api/oapi"
	"tollhouse/billing/bank/pain"
	"tollhouse/billing/debit"
	"tollhouse/billing/payment"
	"tollhouse/billing/reconcile"
	"tollhouse/billing/tenant"
)

// mostListed bounds the lists of this file: who wants more asks for an export.
const mostListed = 100

func statementOf(s reconcile.Statement) oapi.BankStatement {
	return oapi.BankStatement{Id: s.ID, Account: s.Account, Reference: s.Reference, Format: s.Format, Currency: s.Currency.Code(), From: s.From, To: s.To, Opening: s.Opening,
		Closing: s.Closing, Difference: s.Balance.Difference, Entries: s.Entries, Unclear: s.Unclear, ImportedAt: s.ImportedAt}
}

func entryOf(e reconcile.Entry) oapi.BankEntry {
	return oapi.BankEntry{Id: e.ID, Statement: e.StatementID, BookedOn: e.Booked, Amount: e.Amount, Kind: e.Kind, Party: e.Party, PartyIban: e.IBAN, Text: e.Text,
		State: oapi.BankEntryState(e.State), Score: e.Score, Suggestions: mapped(e.Suggestions, func(s reconcile.Suggestion) oapi.BankSuggestion {
			return oapi.BankSuggestion{Account: s.AccountID, Number: s.Number, Name: s.Name, Bill: optionalText(s.Bill), Score: s.Score, Why: s.Why}
		})}
}

// ListBankStatements implements oapi.StrictServerInterface.
func (s *Server) ListBankStatements(ctx context.Context, _ oapi.ListBankStatementsRequestObject) (oapi.ListBankStatementsResponseObject, error) {
	var list []reconcile.Statement
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = reconcile.Statements(ctx, tx, mostListed)
		return err
	})
	return oapi.ListBankStatements200JSONResponse{Items: mapped(list, statementOf)}, err
}

// ImportBankStatement implements oapi.StrictServerInterface.
func (s *Server) ImportBankStatement(ctx context.Context, r oapi.ImportBankStatementRequestObject) (oapi.ImportBankStatementResponseObject, error) {
	c := callOf(ctx)
	name, err := c.readFile(r.Body, func() (io.Reader, string, error) { return uploaded(r.Body, r.MultipartBody, value(r.Params.Name)) })
	if err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.ImportBankStatementResponseObject.VisitImportBankStatementResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ImportBankStatementResponseObject, error) {
		upload := reconcile.Upload{Name: name, Form: value(r.Params.Form), By: c.who.Actor()}
		files, err := reconcile.Parse(ctx, tx, upload, bytes.NewReader(c.body))
		if err != nil {
			return nil, err
		}
		var out oapi.ImportBankStatement201JSONResponse
		for _, file := range files {
			kept, err := c.stack.Reconcile().Import(ctx, tx, file, upload)
			if err != nil {
				return nil, err
			}
			c.about("bank_statement", kept.ID)
			out.Body.Items = append(out.Body.Items, statementOf(kept))
		}
		return out, nil
	})
}

// readFile keeps the whole of an uploaded file as the call's body.
func (c *call) readFile(_ io.Reader, open func() (io.Reader, string, error)) (name string, err error) {
	body, name, err := open()
	if err != nil {
		return "", err
	}
	c.body, err = io.ReadAll(body) // the guard bounds it
	return name, err
}

// ListBankEntries implements oapi.StrictServerInterface.
func (s *Server) ListBankEntries(ctx context.Context, _ oapi.ListBankEntriesRequestObject) (oapi.ListBankEntriesResponseObject, error) {
	var list []reconcile.Entry
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = reconcile.Queue(ctx, tx, mostListed)
		return err
	})
	return oapi.ListBankEntries200JSONResponse{Items: mapped(list, entryOf)}, err
}

// DecideBankEntry implements oapi.StrictServerInterface.
func (s *Server) DecideBankEntry(ctx context.Context, r oapi.DecideBankEntryRequestObject) (oapi.DecideBankEntryResponseObject, error) {
	return nil, once(ctx, oapi.DecideBankEntryResponseObject.VisitDecideBankEntryResponse, func(ctx context.Context, tx tenant.Tx) (oapi.DecideBankEntryResponseObject, error) {
		c := callOf(ctx)
		c.about("bank_entry", r.Entry)
		desk, by := c.stack.Reconcile(), c.who.Actor()
		var e reconcile.Entry
		var err error
		switch r.Body.Action {
		case oapi.BankDecisionActionPay:
			e, err = desk.Pay(ctx, tx, r.Entry, mapped(value(r.Body.Shares), func(s oapi.BankShare) reconcile.Share {
				return reconcile.Share{AccountID: s.Account, Amount: s.Amount, Bills: value(s.Bills)}
			}), by)
		case oapi.BankDecisionActionUndo:
			e, err = desk.Undo(ctx, tx, r.Entry, by)
		default:
			e, err = desk.SetAside(ctx, tx, r.Entry, reconcile.EntryState(r.Body.Action), by)
		}
		return oapi.DecideBankEntry200JSONResponse{Body: entryOf(e)}, err
	})
}

func payoutOf(p reconcile.Payout) oapi.Payout {
	return oapi.Payout{Id: p.ID, Provider: p.Provider, Reference: p.Reference, Amount: p.Amount, Gross: p.Gross, Fees: p.Fees, ArrivesOn: p.ArrivesOn, Differences: p.Differences,
		Arrived: p.EntryID != nil}
}

// ListPayouts implements oapi.StrictServerInterface.
func (s *Server) ListPayouts(ctx context.Context, _ oapi.ListPayoutsRequestObject) (oapi.ListPayoutsResponseObject, error) {
	var list []reconcile.Payout
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = reconcile.Payouts(ctx, tx, mostListed)
		return err
	})
	return oapi.ListPayouts200JSONResponse{Items: mapped(list, payoutOf)}, err
}

// FetchPayouts implements oapi.StrictServerInterface.
func (s *Server) FetchPayouts(ctx context.Context, _ oapi.FetchPayoutsRequestObject) (oapi.FetchPayoutsResponseObject, error) {
	c := callOf(ctx)
	return nil, repeatable(ctx, oapi.FetchPayoutsResponseObject.VisitFetchPayoutsResponse, func(ctx context.Context) (oapi.FetchPayoutsResponseObject, error) {
		list, err := c.stack.FetchPayouts(ctx, c.who.Actor())
		return oapi.FetchPayouts200JSONResponse{Body: oapi.PayoutList{Items: mapped(list, payoutOf)}}, err
	})
}

func runOf(r debit.Run) oapi.DebitRun {
	return oapi.DebitRun{Id: r.ID, MessageId: r.MessageID, State: oapi.DebitRunState(r.State), CollectOn: r.CollectOn, Count: r.Count, Total: r.Total, CreatedAt: r.CreatedAt}
}

// ListDebitRuns implements oapi.StrictServerInterface.
func (s *Server) ListDebitRuns(ctx context.Context, _ oapi.ListDebitRunsRequestObject) (oapi.ListDebitRunsResponseObject, error) {
	var list []debit.Run
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = debit.Runs(ctx, tx, mostListed)
		return err
	})
	return oapi.ListDebitRuns200JSONResponse{Items: mapped(list, runOf)}, err
}

// CreateDebitRun implements oapi.StrictServerInterface.
func (s *Server) CreateDebitRun(ctx context.Context, r oapi.CreateDebitRunRequestObject) (oapi.CreateDebitRunResponseObject, error) {
	id := newID()
	return nil, once(ctx, oapi.CreateDebitRunResponseObject.VisitCreateDebitRunResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateDebitRunResponseObject, error) {
		c := callOf(ctx)
		c.about("debit_run", id)
		run, err := c.stack.Debits().Make(ctx, tx, debit.NewRun{ID: id, CollectOn: value(r.Body.CollectOn), By: c.who.Actor()})
		return oapi.CreateDebitRun201JSONResponse{Body: runOf(run)}, err
	})
}

// SendDebitRun implements oapi.StrictServerInterface.
func (s *Server) SendDebitRun(ctx context.Context, r oapi.SendDebitRunRequestObject) (oapi.SendDebitRunResponseObject, error) {
	return nil, once(ctx, oapi.SendDebitRunResponseObject.VisitSendDebitRunResponse, func(ctx context.Context, tx tenant.Tx) (oapi.SendDebitRunResponseObject, error) {
		c := callOf(ctx)
		c.about("debit_run", r.Run)
		var file bytes.Buffer
		err := c.stack.Debits().File(ctx, tx, r.Run, &file)
		return oapi.SendDebitRun200ApplicationxmlResponse{Body: &file, ContentLength: int64(file.Len())}, err
	})
}

// CancelDebitRun implements oapi.StrictServerInterface.
func (s *Server) CancelDebitRun(ctx context.Context, r oapi.CancelDebitRunRequestObject) (oapi.CancelDebitRunResponseObject, error) {
	return nil, once(ctx, oapi.CancelDebitRunResponseObject.VisitCancelDebitRunResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CancelDebitRunResponseObject, error) {
		callOf(ctx).about("debit_run", r.Run)
		return oapi.CancelDebitRun204Response{}, debit.Cancel(ctx, tx, r.Run)
	})
}

// ImportDebitAnswer implements oapi.StrictServerInterface.
func (s *Server) ImportDebitAnswer(ctx context.Context, r oapi.ImportDebitAnswerRequestObject) (oapi.ImportDebitAnswerResponseObject, error) {
	c := callOf(ctx)
	if _, err := c.readFile(r.Body, func() (io.Reader, string, error) { return uploaded(r.Body, r.MultipartBody, "") }); err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.ImportDebitAnswerResponseObject.VisitImportDebitAnswerResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ImportDebitAnswerResponseObject, error) {
		answer, err := pain.ReadAnswer(bytes.NewReader(c.body))
		if err != nil {
			return nil, err
		}
		n, err := debit.Answered(ctx, tx, answer)
		c.note("rejected", strconv.Itoa(n))
		return oapi.ImportDebitAnswer200JSONResponse{Body: oapi.Rejected{Rejected: n}}, err
	})
}

// SignMandate implements oapi.StrictServerInterface.
func (s *Server) SignMandate(ctx context.Context, r oapi.SignMandateRequestObject) (oapi.SignMandateResponseObject, error) {
	c, id := callOf(ctx), newID()
	if err := c.sees(r.Account); err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.SignMandateResponseObject.VisitSignMandateResponse, func(ctx context.Context, tx tenant.Tx) (oapi.SignMandateResponseObject, error) {
		c.about("payment_method", id)
		m, err := c.stack.Debits().Sign(ctx, tx, debit.NewMandate{ID: id, AccountID: r.Account, Holder: r.Body.Holder, IBAN: r.Body.Iban, BIC: value(r.Body.Bic),
			Reference: value(r.Body.Reference), SignedOn: value(r.Body.SignedOn), Signed: r.Body.Signed, Scheme: value(r.Body.Scheme)})
		return oapi.SignMandate201JSONResponse{Body: methodOf(m)}, err
	})
}

// AmendMandate implements oapi.StrictServerInterface.
func (s *Server) AmendMandate(ctx context.Context, r oapi.AmendMandateRequestObject) (oapi.AmendMandateResponseObject, error) {
	c := callOf(ctx)
	if err := c.sees(r.Account); err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.AmendMandateResponseObject.VisitAmendMandateResponse, func(ctx context.Context, tx tenant.Tx) (oapi.AmendMandateResponseObject, error) {
		c.about("payment_method", r.Method)
		m, err := c.stack.Debits().Amend(ctx, tx, debit.Amendment{AccountID: r.Account, MethodID: r.Method, IBAN: value(r.Body.Iban), BIC: value(r.Body.Bic),
			Holder: value(r.Body.Holder), Reference: value(r.Body.Reference)})
		return oapi.AmendMandate200JSONResponse{Body: methodOf(m)}, err
	})
}

// paymentPolicy is the part of a payment policy that programs change; forms of bank
// statements stay as they are.
func paymentPolicy(p payment.Policy) oapi.PaymentPolicy {
	return oapi.PaymentPolicy{Order: oapi.PaymentPolicyOrder(p.Order), Tolerance: p.Tolerance, RetryDays: p.RetryDays, CashLimit: p.CashLimit,
		Debit: oapi.DebitPolicy{CreditorId: p.Debit.CreditorID, Name: p.Debit.Name, Iban: p.Debit.IBAN, Bic: p.Debit.BIC, Version: oapi.DebitPolicyVersion(p.Debit.Version),
			NoticeDays: p.Debit.NoticeDays, LeadDays: p.Debit.LeadDays, ReturnFee: p.Debit.ReturnFee, TaxCategory: p.Debit.TaxCategory, Retries: p.Debit.Retries}}
}

// GetPaymentPolicy implements oapi.StrictServerInterface.
func (s *Server) GetPaymentPolicy(ctx context.Context, _ oapi.GetPaymentPolicyRequestObject) (oapi.GetPaymentPolicyResponseObject, error) {
	var p payment.Policy
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		p, err = payment.GetPolicy(ctx, tx)
		return err
	})
	return oapi.GetPaymentPolicy200JSONResponse(paymentPolicy(p)), err
}

// PutPaymentPolicy implements oapi.StrictServerInterface.
func (s *Server) PutPaymentPolicy(ctx context.Context, r oapi.PutPaymentPolicyRequestObject) (oapi.PutPaymentPolicyResponseObject, error) {
	return nil, once(ctx, oapi.PutPaymentPolicyResponseObject.VisitPutPaymentPolicyResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutPaymentPolicyResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		p, err := payment.GetPolicy(ctx, tx)
		if err != nil {
			return nil, err
		}
		b := r.Body
		p.Order, p.Tolerance, p.RetryDays, p.CashLimit = payment.Order(b.Order), b.Tolerance, b.RetryDays, b.CashLimit
		p.Debit = payment.DebitPolicy{CreditorID: b.Debit.CreditorId, Name: b.Debit.Name, IBAN: b.Debit.Iban, BIC: b.Debit.Bic, Version: string(b.Debit.Version),
			NoticeDays: b.Debit.NoticeDays, LeadDays: b.Debit.LeadDays, ReturnFee: b.Debit.ReturnFee, TaxCategory: b.Debit.TaxCategory, Retries: b.Debit.Retries}
		return oapi.PutPaymentPolicy200JSONResponse{Body: paymentPolicy(p)}, payment.PutPolicy(ctx, tx, p, c.who.Actor())
	})
}
