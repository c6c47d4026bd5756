package org.luthier.shell;

import java.nio.file.Path;
import org.luthier.api.LuthierException;
import org.luthier.debug.Reference;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.html.DiffPage;
import org.luthier.debug.html.Rolls;
import org.luthier.files.AtomicFile;
import picocli.CommandLine.Option;

/** The option of the commands that also tell what they found on a page for a browser. */
final class PageOption {
    @Option(
            names = "--html",
            paramLabel = "PAGE",
            description = "Also write one page for a browser: causes, layers, a heat map, values, spectrograms, notes.")
    Path page;

    @Option(names = "--force", description = "Replace the page if it exists.")
    boolean force;

    /**
     * Refuses a page that could not be written, before the work.
     *
     * @throws LuthierException if it exists and may not be replaced, or its folder is not there
     */
    void check() {
        if (page != null) {
            AtomicFile.check(page, force);
        }
    }

    /**
     * Writes the page that was asked for.
     *
     * @param rolls the notes of both sides
     */
    void write(TraceDiff diff, Reference trace, Reference reference, Rolls rolls) {
        if (page != null) {
            DiffPage.of(diff, trace, reference, rolls).write(page, force);
        }
    }
}
