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

/** {@code plugin:install}: adds a plug-in. */
@Component(service = ShellCommand.class)
public final class PluginInstall extends PluginCommand<PluginInstall.Options> {
    @Activate
    public PluginInstall(@Reference Surroundings surroundings, @Reference Plugins plugins) {
        super(surroundings, plugins, Options::new);
    }

    @Command(
            name = "plugin:install",
            description = {
                "Adds a plug-in and keeps it in the plug-ins folder.",
                "In the shell it is there at once; as a single command it is there for the next process."
            },
            footerHeading = "%nExamples:%n",
            footer = "  luthier plugin:install my-assembler-1.0.0.jar")
    static final class Options extends CommonOptions {
        @Parameters(paramLabel = "JAR", description = "The plug-in, an OSGi bundle.")
        Path jar;
    }

    @Override
    protected int run(Options options, Console console) {
        console.print(plugins.install(options.jar));
        return DONE;
    }
}
