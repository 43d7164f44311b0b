package collection

import (
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
)

// Default is where an operator begins: reminders, a wall after a week,
// suspension after two, the end of the contract after a month. It holds for
// nobody before the operator lays it down.
func Default(currency money.Currency) Policy {
	tell := []notice.Channel{notice.Mail, notice.Portal}
	return Policy{Time: "08:00", DaysOff: []string{"sat", "sun"}, Ladders: []Ladder{{
		Code: "standard", Names: catalog.Names{"en": "Standard", "id": "Standar", "ru": "Обычная"}, Move: Next,
		Minimum: Amounts{currency.Code(): money.NewDecimal(1)},
		Steps: []Step{
			{Code: "reminder", AfterDays: 3, Action: Remind, Channels: tell},
			{Code: "wall", AfterDays: 7, Action: Wall, Channels: append(tell, notice.SMS), WaitDays: 2},
			{Code: "suspend", AfterDays: 14, Action: Suspend, Channels: append(tell, notice.SMS), WaitDays: 3},
			{Code: "terminate", AfterDays: 30, Action: Terminate, Channels: append(tell, notice.Letter), WaitDays: 10},
		},
		Promise: &PromiseRule{Days: 7, Times: 2, PerDays: 180, Restores: true, BySubscriber: true},
	}}}
}
