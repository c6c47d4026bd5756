package org.luthier.shell;

import java.util.List;
import java.util.function.Supplier;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.Plugins;

/** A command that works with plug-ins. */
abstract class PluginCommand<O extends CommonOptions> extends ShellCommand<O> {
    final Plugins plugins;

    PluginCommand(Surroundings surroundings, Plugins plugins, Supplier<O> options) {
        super(surroundings, options);
        this.plugins = plugins;
    }

    @Override
    protected List<String> candidates(String label) {
        return label.equals("ID")
                ? plugins.list().stream()
                        .map(plugin -> plugin.part().id())
                        .distinct()
                        .toList()
                : List.of();
    }
}
