package desk

import (
	"github.com/labstack/echo/v4"

	"tollhouse/billing/identity"
	"tollhouse/portal/web"
)

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	registerReading(console, site)
	registerActs(console, site)
	registerOrders(console, site)
	registerCorrections(console, site)
	registerSecurity(console, site)
}

func registerReading(console *echo.Group, site *web.Site) {
	console.GET("/subscribers", site.Console(identity.AccountRead, showSubscribers))
	console.GET("/bills/:bill", site.Console(identity.BillRead, showBill))
	console.GET("/bills/:bill/pdf", site.Console(identity.BillRead, showPDF))
	console.GET("/bills/:bill/ubl", site.Console(identity.BillRead, showUBL))
	console.GET("/bills/:bill/csv", site.Console(identity.BillRead, showCSV))
	at := "/subscribers/:account"
	for _, page := range []struct {
		path  string
		wants identity.Permission
		show  func(*web.Visit) error
	}{
		{"", identity.AccountRead, showOverview},
		{"/services", identity.AccountRead, showServices},
		{"/usage", identity.UsageRead, showUsage},
		{"/usage/:period/:use", identity.UsageRead, showWhy},
		{"/bills", identity.BillRead, showBills},
		{"/payments", identity.PaymentRead, showPayments},
		{"/receipts/:payment", identity.PaymentRead, showReceipt},
		{"/buckets", identity.AccountRead, showBuckets},
		{"/wallet", identity.AccountRead, showWallet},
		{"/tax", identity.AccountRead, showTax},
		{"/statement", identity.BillRead, statementFile},
		{"/notes", identity.AccountRead, showNotes},
		{"/sharing", identity.AccountRead, showSharing},
		{"/ledger", identity.LedgerRead, showLedger},
		{"/timeline", identity.AccountRead, showTimeline},
		{"/messages", identity.AccountRead, showMessages},
	} {
		console.GET(at+page.path, site.Console(page.wants, page.show))
	}
}

// registerActs adds the clerk's acts: each is a form, and what it is sent to.
func registerActs(console *echo.Group, site *web.Site) {
	at := "/subscribers/:account/"
	one := at + "subscriptions/:subscription/"
	for _, act := range []struct {
		path       string
		wants      identity.Permission
		show, send func(*web.Visit) error // show is nil where a button is the form
	}{
		{at + "adjust", identity.BalanceWrite, showAdjust, sendAdjust},
		{at + "cash", identity.PaymentWrite, showCash, sendCash},
		{at + "voucher", identity.PaymentWrite, showRedeem, sendRedeem},
		{at + "transfer", identity.BalanceWrite, showTransfer, sendTransfer},
		{at + "reward", identity.BalanceWrite, nil, takeReward},
		{at + "auto", identity.PaymentWrite, showAuto, sendAuto},
		{at + "auto/off", identity.PaymentWrite, nil, stopAuto},
		{at + "alerts/:alert/confirm", identity.AccountWrite, nil, confirmAlert},
		{at + "contact", identity.AccountWrite, showContact, sendContact},
		{at + "resend", identity.AccountWrite, showResend, sendAgain},
		{at + "tax/exemptions", identity.AccountWrite, nil, changeTax("tax_exemption.add", addExemption)},
		{at + "tax/exemptions/:exemption/end", identity.AccountWrite, nil, changeTax("tax_exemption.end", endExemption)},
		{at + "tax/withholding", identity.AccountWrite, nil, changeTax("withholding.put", saveWithholding)},
		{at + "tax/register", identity.AccountWrite, nil, askRegister},
		{at + "tax/papers", identity.AccountWrite, nil, changeTax("papers.put", savePapers)},
		{at + "notes", identity.NoteWrite, nil, addNote},
		{at + "notes/:note/pin", identity.NoteWrite, nil, pinNote},
		{at + "sharing", identity.AccountWrite, nil, foundGroup},
		{at + "sharing/dissolve", identity.AccountWrite, nil, dissolveGroup},
		{at + "sharing/join", identity.AccountWrite, nil, addMember},
		{at + "sharing/limit", identity.AccountWrite, nil, limitMember},
		{at + "sharing/:member/leave", identity.AccountWrite, nil, removeMember},
		{one + "end", identity.AccountWrite, showMove(ending), sendMove(ending)},
		{one + "suspend", identity.AccountWrite, showMove(suspending), sendMove(suspending)},
		{one + "resume", identity.AccountWrite, showMove(resuming), sendMove(resuming)},
		{one + "pause", identity.AccountWrite, showMove(pausing), sendMove(pausing)},
		{at + "cycle", identity.AccountWrite, showCycle, sendCycle},
		{at + "parent", identity.AccountWrite, showParent, sendParent},
		{at + "marketing", identity.AccountWrite, showMarketing, sendMarketing},
		{at + "bill-now", identity.BillRunRun, showBillNow, sendBillNow},
		{at + "bill-item", identity.BillWrite, showItem, sendItem},
		{one + "terminate", identity.AccountWrite, showMove(terminating), sendMove(terminating)},
		{one + "option", identity.OrderWrite, showOption, sendOption},
		{one + "plan", identity.AccountWrite, showPlan, sendPlan},
		{one + "plan/cancel", identity.AccountWrite, nil, cancelPlan},
	} {
		if act.show != nil {
			console.GET(act.path, site.Console(act.wants, act.show))
		}
		console.POST(act.path, site.Console(act.wants, act.send))
	}
}

func registerOrders(console *echo.Group, site *web.Site) {
	console.GET("/orders", site.Console(identity.OrderRead, showOrders))
	console.GET("/orders/new", site.Console(identity.OrderWrite, showNewOrder))
	console.POST("/orders/new", site.Console(identity.OrderWrite, sendNewOrder))
	console.GET("/orders/:order", site.Console(identity.OrderRead, showOrder))
	console.POST("/orders/:order/cancel", site.Console(identity.OrderWrite, cancelOrder))
	console.GET("/orders/:order/:step", site.Console(identity.OrderWrite, showStep))
	console.POST("/orders/:order/:step", site.Console(identity.OrderWrite, sendStep))
}
