#include <iostream>

#include "tools/command.h"

int main(int argc, char** argv) {
  CLI::App app("See, restore, verify and compact what Strata keeps in a store.", "strata");
  app.set_version_flag("--version", "strata " STRATA_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  app.footer("Exit codes: 0 fine, 1 found something wrong, 2 could not run.");

  strata::tools::CommandLine line(&app);
  strata::tools::AddRecoverCommand(&line);
  strata::tools::AddRestoreCommand(&line);
  strata::tools::AddRetentionCommands(&line);
  strata::tools::AddPointsCommand(&line);
  strata::tools::AddStatusCommand(&line);
  strata::tools::AddVerifyCommand(&line);
  strata::tools::AddCompactCommand(&line);
  strata::tools::AddAnalyzeCommand(&line);
  strata::tools::AddSegmentsCommand(&line);
  strata::tools::AddNamespacesCommand(&line);
  strata::tools::AddMonitorCommands(&line);
  strata::tools::AddExportCommand(&line);
  strata::tools::AddImportCommand(&line);
  strata::tools::AddInspectCommand(&line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? strata::tools::kFine : strata::tools::kCouldNotRun;
  }
  std::cout.flush();
  if (!std::cout) {
    std::cerr << "strata: could not write the answer\n";
    return strata::tools::kCouldNotRun;
  }
  return line.exit_code();
}
