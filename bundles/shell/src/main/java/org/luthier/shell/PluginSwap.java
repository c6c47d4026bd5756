package org.luthier.shell;

import java.nio.file.Path;
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

/** {@code plugin:swap}: replaces a plug-in while jobs run. */
@Component(service = ShellCommand.class)
public final class PluginSwap extends PluginCommand<PluginSwap.Options> {
    @Activate
    public PluginSwap(@Reference Surroundings surroundings, @Reference Plugins plugins) {
        super(surroundings, plugins, Options::new);
    }

    @Command(
            name = "plugin:swap",
            description = {
                "Replaces the plug-in that has a part by another one that has it too.",
                "Running jobs end on the old one, new jobs begin on the new one. The same version may come again."
            },
            footerHeading = "%nExamples:%n",
            footer = "  luthier plugin:swap basic-pitch-notes my-assembler-1.1.0.jar")
    static final class Options extends CommonOptions {
        @Parameters(index = "0", paramLabel = "ID", description = "Id of a part, as plugin:list shows it.")
        String id;

        @Parameters(index = "1", paramLabel = "JAR", description = "The new plug-in, an OSGi bundle.")
        Path jar;
    }

    @Override
    protected int run(Options options, Console console) {
        console.print(plugins.swap(options.id, options.jar));
        return DONE;
    }
}
