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
}

func registerSettings(console *echo.Group, site *web.Site) {
	console.GET("/settings", site.Console(identity.SettingsRead, settings))
	console.POST("/settings", site.Console(identity.SettingsWrite, saveSettings))
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
	console.GET("/settings/taxes", site.Console(identity.SettingsRead, taxes))
	console.GET("/settings/sources", site.Console(identity.SettingsRead, sources))
	console.POST("/settings/sources", site.Console(identity.SettingsWrite, addSource))
}
