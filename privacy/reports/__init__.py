"""From events to reports that hold: rules, states, store, ledger, sealed evidence, delivery."""
