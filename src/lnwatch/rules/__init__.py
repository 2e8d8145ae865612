"""View -> findings: one file per rule, each with its well-known name `RULE`; pure, no clock, no I/O."""
