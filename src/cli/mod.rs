//! The command line (contract: README, "Headless").
