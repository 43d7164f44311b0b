package admin

import (
	"github.com/labstack/echo/v4"

	"tollhouse/billing/identity"
	"tollhouse/portal/web"
)

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	registerDoor(console, site)
	registerSettings(console, site)
	registerUsers(console, site)
	registerTrust(console, site)
	registerImport(console, site)
}

func registerImport(console *echo.Group, site *web.Site) {
	console.GET("/import", site.Console(identity.IntakeWrite, imports))
	console.POST("/import", site.Console(identity.IntakeWrite, openImport))
	console.GET("/import/columns", site.Console(identity.IntakeWrite, importColumns))
	console.GET("/import/samples/:file", site.Console(identity.IntakeWrite, sample))
	console.GET("/import/:batch", site.Console(identity.IntakeWrite, importPage))
	console.POST("/import/:batch", site.Console(identity.IntakeWrite, changeImport))
	console.GET("/import/:batch/state", site.Console(identity.IntakeWrite, importState))
	console.GET("/import/:batch/findings.csv", site.Console(identity.IntakeWrite, findingsSheet))
	console.POST("/import/:batch/files", site.ConsoleUpload(identity.IntakeWrite, maxImportForm, uploadFiles))
	console.POST("/import/:batch/files/:file/remove", site.Console(identity.IntakeWrite, removeFile))
	for verb := range importWorks {
		console.POST("/import/:batch/"+verb, site.Console(identity.IntakeWrite, work(verb)))
	}
	console.GET("/readiness", site.Console(identity.BillRead, ready))
}

func registerTrust(console *echo.Group, site *web.Site) {
	console.GET("/audit", site.Console(identity.AuditRead, trail))
	console.GET("/audit/chain", site.Console(identity.AuditRead, showChain))
	console.POST("/audit/verify", site.Console(identity.AuditRead, verify))
	console.GET("/hosting", site.Console(identity.LedgerRead, hostingPage))
	console.GET("/hosting/bills/:bill/pdf", site.Console(identity.LedgerRead, hostingDocument))
	console.GET("/messages", site.Console(identity.AuditRead, messages))
	console.GET("/messages/:message", site.Console(identity.AuditRead, message))
	console.GET("/staff-access", site.Console(identity.VisitWrite, staffAccess))
	console.POST("/staff-access", site.Console(identity.VisitWrite, giveConsent))
	console.POST("/staff-access/consents/:consent/end", site.Console(identity.VisitWrite, endConsent))
	console.POST("/staff-access/visits/:visit/end", site.Console(identity.VisitWrite, endVisit))
	console.GET("/sandbox", site.Console(identity.SandboxWrite, copyPage))
	console.GET("/sandbox/state", site.Console(identity.SandboxWrite, copyState))
	console.POST("/sandbox", site.Console(identity.SandboxWrite, askForCopy))
}

func registerUsers(console *echo.Group, site *web.Site) {
	console.GET("/users", site.Console(identity.UserRead, users))
	console.GET("/users/invite", site.Console(identity.UserWrite, inviteForm))
	console.POST("/users/invite", site.Console(identity.UserWrite, invite))
	console.GET("/users/:user", site.Console(identity.UserRead, user))
	console.POST("/users/:user", site.Console(identity.UserWrite, saveUser))
	for name := range userActs {
		console.POST("/users/:user/"+name, site.Console(identity.UserWrite, actOn(name)))
	}
	console.POST("/users/:user/reset", site.Console(identity.UserWrite, sendReset))
	console.GET("/users/roles", site.Console(identity.UserRead, roles))
	console.POST("/users/roles", site.Console(identity.RoleWrite, addRole))
	console.GET("/users/roles/new", site.Console(identity.RoleWrite, newRole))
	console.GET("/users/roles/:role", site.Console(identity.RoleWrite, role))
	console.POST("/users/roles/:role", site.Console(identity.RoleWrite, saveRole))
	console.POST("/users/roles/:role/remove", site.Console(identity.RoleWrite, removeRole))
	console.GET("/keys", site.Console(identity.APIKeyWrite, keys))
	console.POST("/keys", site.Console(identity.APIKeyWrite, makeKey))
	console.POST("/keys/:key/revoke", site.Console(identity.APIKeyWrite, revokeKey))
}

func registerSettings(console *echo.Group, site *web.Site) {
	registerNumbers(console, site)
	console.GET("/settings", site.Console(identity.SettingsRead, settings))
	console.POST("/settings", site.Console(identity.SettingsWrite, saveSettings))
	console.POST("/language", site.Console("", saveLanguage))
	console.GET("/settings/branding", site.Console(identity.SettingsRead, branding))
	console.GET("/settings/branding/preview", site.Console(identity.SettingsRead, previewColour))
	console.POST("/settings/branding", site.Console(identity.SettingsWrite, saveColour))
	console.POST("/settings/branding/logo", site.ConsoleUpload(identity.SettingsWrite, maxLogoForm, saveLogo))
	console.POST("/settings/branding/logo/remove", site.Console(identity.SettingsWrite, removeLogo))
	console.GET("/settings/branches", site.Console(identity.SettingsRead, branches))
	console.POST("/settings/branches", site.Console(identity.BranchWrite, addBranch))
	console.GET("/settings/branches/:branch", site.Console(identity.BranchWrite, branch))
	console.POST("/settings/branches/:branch", site.Console(identity.BranchWrite, saveBranch))
	console.GET("/settings/legal-entities", site.Console(identity.SettingsRead, branches))
	console.POST("/settings/legal-entities", site.Console(identity.BranchWrite, addEntity))
	console.GET("/settings/legal-entities/new", site.Console(identity.BranchWrite, newEntity))
	console.GET("/settings/legal-entities/:entity", site.Console(identity.BranchWrite, entity))
	console.POST("/settings/legal-entities/:entity", site.Console(identity.BranchWrite, saveEntity))
	console.GET("/settings/billing", site.Console(identity.SettingsRead, billingRules))
	console.POST("/settings/billing", site.Console(identity.SettingsWrite, saveBillingRules))
	console.GET("/settings/taxes", site.Console(identity.SettingsRead, taxes))
	console.POST("/settings/taxes/rates", site.Console(identity.SettingsWrite, saveTax("rates", saveRate)))
	console.POST("/settings/taxes/categories", site.Console(identity.SettingsWrite, saveTax("categories", saveCategory)))
	console.POST("/settings/taxes/rules", site.Console(identity.SettingsWrite, saveTax("rules", saveRule)))
	console.POST("/settings/taxes/rules/:rule/remove", site.Console(identity.SettingsWrite, removeRule))
	console.POST("/settings/taxes/settings", site.Console(identity.SettingsWrite, saveTax("settings", saveTaxSettings)))
	console.GET("/settings/taxes/engine", site.Console(identity.SettingsRead, taxEngine))
	console.POST("/settings/taxes/engine", site.Console(identity.SettingsWrite, saveTaxEngine))
	console.POST("/settings/taxes/engine/try", site.Console(identity.SettingsWrite, tryTaxEngine))
	console.POST("/settings/taxes/documents", site.Console(identity.SettingsWrite, saveTax("documents", saveDocuments)))
	console.GET("/settings/quotas", site.Console(identity.SettingsRead, quotas))
	console.POST("/settings/quotas", site.Console(identity.SettingsWrite, saveQuotas))
	console.GET("/settings/sources", site.Console(identity.SettingsRead, sources))
	console.POST("/settings/sources", site.Console(identity.SettingsWrite, addSource))
}
