"""The bugs that the verdict has a name for, a module each: `MODEL`. Which are looked for, `gates.bug_models` lists."""
