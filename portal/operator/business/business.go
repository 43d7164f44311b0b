package business

import (
	"github.com/labstack/echo/v4"

	"tollhouse/billing/identity"
	"tollhouse/billing/task"
	"tollhouse/portal/web"
)

// taskRights says who may begin long work and watch it.
var taskRights = map[task.Name]identity.Permission{
	clockTask: identity.ClockWrite, previewTask: identity.BillRunRun, suspenseTask: identity.SuspenseWrite,
}

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	console.GET("/", site.Console(identity.AccountRead, showDashboard))
	console.GET("/now", site.Console(identity.AccountRead, showRunning))
	console.POST("/work/retry", site.Console(identity.AccountRead, retryWork))
	console.GET("/revenue/:month", site.Console(identity.BillRead, showRevenue))
	for name, right := range taskRights {
		console.GET("/tasks/"+string(name), site.Console(right, showTask(name)))
	}
	registerRuns(console, site)
	registerPayments(console, site)
	registerSuspense(console, site)
	registerOffers(console, site)
}

func registerRuns(console *echo.Group, site *web.Site) {
	console.GET("/bill-runs", site.Console(identity.BillRunRun, showRuns))
	console.POST("/bill-runs", site.Console(identity.BillRunRun, startRun))
	console.GET("/bill-runs/preview", site.Console(identity.BillRunRun, showPreview))
	console.POST("/bill-runs/preview", site.Console(identity.BillRunRun, beginPreview))
	console.POST("/bill-runs/clock", site.Console(identity.ClockWrite, moveClock))
	console.GET("/bill-runs/:run", site.Console(identity.BillRunRun, showRun))
	console.GET("/bill-runs/:run/progress", site.Console(identity.BillRunRun, showRunProgress))
	console.POST("/bill-runs/:run/retry", site.Console(identity.BillRunRun, retryRun))
	console.POST("/bill-runs/:run/approve", site.Console(identity.BillRunOK, approveRun))
	console.POST("/bill-runs/:run/pause", site.Console(identity.BillRunRun, pauseRun))
	console.POST("/bill-runs/:run/resume", site.Console(identity.BillRunRun, resumeRun))
}

func registerPayments(console *echo.Group, site *web.Site) {
	console.GET("/payments", site.Console(identity.PaymentRead, showPayments))
	console.GET("/payments/new", site.Console(identity.PaymentWrite, showRecord))
	console.POST("/payments/new", site.Console(identity.PaymentWrite, recordPayment))
	console.GET("/payments/webhooks", site.Console(identity.PaymentRead, showWebhooks))
	console.GET("/payments/:payment", site.Console(identity.PaymentRead, showPayment))
	console.POST("/payments/:payment/refund", site.Console(identity.RefundWrite, refundPayment))
}

func registerSuspense(console *echo.Group, site *web.Site) {
	console.GET("/suspense", site.Console(identity.SuspenseRead, showSuspense))
	console.POST("/suspense", site.Console(identity.SuspenseWrite, actOnGroup))
	console.GET("/suspense/rerun", site.Console(identity.SuspenseRead, showRerun))
	console.GET("/suspense/items/:item", site.Console(identity.SuspenseRead, showItem))
	console.POST("/suspense/items/:item", site.Console(identity.SuspenseWrite, fixItem))
	console.POST("/suspense/items/:item/discard", site.Console(identity.SuspenseWrite, discardItem))
	console.GET("/suspense/files", site.Console(identity.SuspenseRead, showFiles))
	console.POST("/suspense/files", site.ConsoleUpload(identity.UsageWrite, uploadAtMost, uploadFile))
	console.GET("/suspense/files/:file", site.Console(identity.SuspenseRead, showFile))
	console.GET("/suspense/files/:file/progress", site.Console(identity.SuspenseRead, showFileProgress))
}

func registerOffers(console *echo.Group, site *web.Site) {
	console.GET("/offers", site.Console(identity.OfferingRead, showOffers))
	console.GET("/offers/import", site.Console(identity.OfferingWrite, showImport))
	console.POST("/offers/import", site.ConsoleUpload(identity.OfferingWrite, documentAtMost, importOffer))
	console.GET("/offers/new", site.Console(identity.OfferingWrite, newOffer))
	console.POST("/offers/new", site.ConsoleUpload(identity.OfferingWrite, documentAtMost, changeDesign))
	console.GET("/offers/:code", site.Console(identity.OfferingRead, showOffer))
	console.GET("/offers/:code/yaml", site.Console(identity.OfferingRead, sendYAML))
	console.GET("/offers/:code/edit", site.Console(identity.OfferingWrite, showDesign))
	console.POST("/offers/:code/edit", site.ConsoleUpload(identity.OfferingWrite, documentAtMost, changeDesign))
	console.GET("/offers/:code/compare", site.Console(identity.OfferingRead, compareVersions))
	console.GET("/offers/:code/copy", site.Console(identity.OfferingWrite, showCopy))
	console.POST("/offers/:code/copy", site.Console(identity.OfferingWrite, copyOffer))
	console.POST("/offers/:code/draft", site.Console(identity.OfferingWrite, renewOffer))
	console.POST("/offers/:code/publish", site.Console(identity.OfferingWrite, publishOffer))
	console.POST("/offers/:code/retire", site.Console(identity.OfferingWrite, retireOffer))
}
