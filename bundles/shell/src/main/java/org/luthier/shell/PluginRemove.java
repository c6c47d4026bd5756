package org.luthier.shell;

import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.Plugins;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code plugin:remove}: takes a plug-in away. */
@Component(service = ShellCommand.class)
public final class PluginRemove extends PluginCommand<PluginRemove.Options> {
    @Activate
    public PluginRemove(@Reference Surroundings surroundings, @Reference Plugins plugins) {
        super(surroundings, plugins, Options::new);
    }

    @Command(
            name = "plugin:remove",
            description = {
                "Takes away the plug-in that has a part.",
                "Only plug-ins of the plug-ins folder can be removed; running jobs that use it end first."
            },
            footerHeading = "%nExamples:%n",
            footer = "  luthier plugin:remove my-notes")
    static final class Options extends CommonOptions {
        @Parameters(paramLabel = "ID", description = "Id of a part, as plugin:list shows it.")
        String id;
    }

    @Override
    protected int run(Options options, Console console) {
        console.print(plugins.remove(options.id));
        return DONE;
    }
}
