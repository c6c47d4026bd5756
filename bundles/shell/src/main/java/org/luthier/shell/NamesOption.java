package org.luthier.shell;

import java.net.MalformedURLException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.luthier.api.LuthierException;
import org.luthier.workbench.Workbench;
import picocli.CommandLine.Option;

/** The option of the commands that read recordings, for those whose names no model family knows. */
final class NamesOption {
    @Option(
            names = "--names",
            paramLabel = "FILE",
            description = "Map of the recording's names, if no model family knows them (docs/reference-format.md).")
    Path names;

    /**
     * What explains recordings: the map that was given, then those of the model families.
     *
     * @throws LuthierException if there is no such file
     */
    List<URL> adapters(Workbench workbench) {
        List<URL> adapters = new ArrayList<>();
        if (names != null) {
            if (!Files.isRegularFile(names)) {
                throw new LuthierException(names + ": no such file; --names expects a map of names");
            }
            try {
                adapters.add(names.toUri().toURL());
            } catch (MalformedURLException e) {
                throw new LuthierException(names + " cannot be read: " + e.getMessage(), e);
            }
        }
        adapters.addAll(Families.referenceAdapters(workbench));
        return List.copyOf(adapters);
    }
}
