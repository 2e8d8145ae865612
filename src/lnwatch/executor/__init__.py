"""The only room that may change another system: approval, budget, intent, hands, receipt."""
