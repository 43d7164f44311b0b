package staff

import (
	"github.com/labstack/echo/v4"

	"tollhouse/portal/web"
	"tollhouse/provisioning/alarm"
	"tollhouse/tenants"
)

// registerMachines adds the addresses around operators' own machines.
func (p pages) registerMachines(e *echo.Echo, site *web.Site) {
	e.GET("/staff/machines", site.StaffOnly(tenants.MachineRead, p.machines))
	e.POST("/staff/machines", site.StaffOnly(tenants.MachineEnrol, p.invite))
	e.GET("/staff/machines/:machine", site.StaffOnly(tenants.MachineRead, p.machine))
	e.POST("/staff/machines/:machine", site.StaffOnly(tenants.MachineEnrol, p.changeMachine))
	e.POST("/staff/machines/:machine/renew-keys", site.StaffOnly(tenants.MachineEnrol, p.renewKeys))
	e.POST("/staff/machines/:machine/revoke", site.StaffOnly(tenants.MachineEnrol, p.revokeMachine))
	e.POST("/staff/invitations/:invitation/withdraw", site.StaffOnly(tenants.MachineEnrol, p.withdrawInvitation))

	e.GET("/staff/hardware", site.StaffOnly(tenants.MachineRead, p.hardware))
	e.POST("/staff/hardware", site.StaffOnly(tenants.HardwareWrite, p.putHardware))
	e.GET("/staff/hardware/:hardware", site.StaffOnly(tenants.MachineRead, p.piece))
	e.POST("/staff/hardware/:hardware", site.StaffOnly(tenants.HardwareWrite, p.changePiece))
	e.POST("/staff/hardware/:hardware/fail", site.StaffOnly(tenants.HardwareWrite, p.actOnPiece("failed", failPiece)))
	e.POST("/staff/hardware/:hardware/repair", site.StaffOnly(tenants.HardwareWrite, p.actOnPiece("repaired", repairPiece)))
	e.POST("/staff/hardware/:hardware/replace", site.StaffOnly(tenants.HardwareWrite, p.actOnPiece("replaced", replacePiece)))
	e.POST("/staff/racks", site.StaffOnly(tenants.HardwareWrite, p.putRack))

	e.GET("/staff/alarms", site.StaffOnly(tenants.AlarmRead, p.alarms))
	e.POST("/staff/alarms/:alarm/acknowledge", site.StaffOnly(tenants.AlarmHandle, p.actOnAlarm(alarm.Acknowledge, "taken")))
	e.POST("/staff/alarms/:alarm/close", site.StaffOnly(tenants.AlarmHandle, p.actOnAlarm(alarm.Close, "closed")))
}
