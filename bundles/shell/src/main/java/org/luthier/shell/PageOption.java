package org.luthier.shell;

import java.nio.file.Path;
import java.util.List;
import org.luthier.api.LuthierException;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.debug.Reference;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.html.DiffPage;
import org.luthier.debug.html.Rolls;
import org.luthier.files.AtomicFile;
import org.luthier.shell.internal.Console;
import org.luthier.workbench.Leases;
import org.luthier.workbench.ModelLease;
import org.luthier.workbench.Want;
import org.luthier.workbench.Workbench;
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
     * @param model id of the model that was run; null for the one that the trace names
     */
    void write(
            Workbench workbench, Console console, String model, TraceDiff diff, Reference trace, Reference reference) {
        if (page != null) {
            Rolls rolls = rolls(workbench, console, definition(workbench, model, trace), trace, reference);
            DiffPage.of(diff, trace, reference, rolls).write(page, force);
        }
    }

    /** The model by whose parts notes are made: the one that was named, or the only one of the family; null if there is none. */
    private static ModelDefinition definition(Workbench workbench, String model, Reference trace) {
        String id = model == null ? trace.origin().definition() : model;
        List<ModelDefinition> models = workbench.catalog().models();
        List<ModelDefinition> family = models.stream()
                .filter(each -> each.family().equals(trace.header().model()))
                .toList();
        return models.stream()
                .filter(each -> each.id().equals(id))
                .findFirst()
                .orElse(family.size() == 1 ? family.get(0) : null);
    }

    private static Rolls rolls(
            Workbench workbench, Console console, ModelDefinition model, Reference trace, Reference reference) {
        if (model == null) {
            return Rolls.NONE;
        }
        try {
            return model.tokenizer() == null
                    ? ofPosteriorgrams(workbench, model, trace, reference)
                    : ofTokens(workbench, model, trace, reference);
        } catch (LuthierException e) {
            // What was compared is worth its page without them.
            console.warn("no notes on the page: " + e.getMessage());
            return Rolls.NONE;
        }
    }

    private static Rolls ofTokens(Workbench workbench, ModelDefinition model, Reference trace, Reference reference) {
        Want tokenizer = new Want(Tokenizer.class, model.tokenizer());
        Want assembler = new Want(NoteAssembler.class, model.assembler());
        try (Leases leases = workbench.parts().acquire(tokenizer, assembler)) {
            return leases.get(NoteAssembler.class, model.assembler()) instanceof TokenNoteAssembler notes
                    ? Rolls.ofTokens(trace, reference, leases.get(Tokenizer.class, model.tokenizer()), notes)
                    : Rolls.NONE;
        }
    }

    private static Rolls ofPosteriorgrams(
            Workbench workbench, ModelDefinition model, Reference trace, Reference reference) {
        try (Leases leases = workbench.parts().acquire(new Want(NoteAssembler.class, model.assembler()));
                ModelLease lease = workbench.openModel(model.id(), null, null)) {
            return lease.model() instanceof FrameModel frames
                            && leases.get(NoteAssembler.class, model.assembler()) instanceof FrameNoteAssembler notes
                    ? Rolls.ofPosteriorgrams(trace, reference, frames, notes)
                    : Rolls.NONE;
        }
    }
}
