package org.luthier.shell;

import org.luthier.files.text.TextTable;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.PartInfo;
import org.luthier.workbench.Plugins;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;

/** {@code plugin:list}: the swappable parts, where they come from and who uses them. */
@Component(service = ShellCommand.class)
public final class PluginList extends PluginCommand<PluginList.Options> {
    @Activate
    public PluginList(@Reference Surroundings surroundings, @Reference Plugins plugins) {
        super(surroundings, plugins, Options::new);
    }

    @Command(
            name = "plugin:list",
            description = "Lists the swappable parts with bundle, version, ranking, and who uses them.",
            footerHeading = "%nExamples:%n",
            footer = "  luthier plugin:list")
    static final class Options extends CommonOptions {}

    @Override
    protected int run(Options options, Console console) {
        TextTable table = new TextTable().row("KIND", "ID", "VERSION", "RANKING", "USE", "BUNDLE", "DESCRIPTION");
        for (Plugins.Plugin plugin : plugins.list()) {
            PartInfo part = plugin.part();
            table.row(
                    part.kind(),
                    part.id(),
                    part.version(),
                    part.ranking(),
                    use(part),
                    plugin.bundle(),
                    part.description());
        }
        console.print(table.toString());
        return DONE;
    }

    private static String use(PartInfo part) {
        String jobs = part.jobs() == 0 ? "" : ", " + part.jobs() + (part.jobs() == 1 ? " job" : " jobs");
        if (part.draining()) {
            return "leaving" + jobs;
        }
        return (part.chosen() ? "chosen" : "spare") + jobs;
    }
}
