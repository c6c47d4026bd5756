package org.luthier.shell;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.luthier.api.LuthierException;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.debug.NoteRows;
import org.luthier.debug.Origin;
import org.luthier.debug.Reference;
import org.luthier.debug.TraceDiff;
import org.luthier.debug.html.Rolls;
import org.luthier.shell.internal.Console;
import org.luthier.workbench.Leases;
import org.luthier.workbench.ModelLease;
import org.luthier.workbench.Want;
import org.luthier.workbench.Workbench;

/**
 * A comparison that goes on to the events and notes, made with the parts that the model is used with.
 *
 * @param diff with rows for them
 * @param rolls the notes of both sides
 */
record SaidNotes(TraceDiff diff, Rolls rolls) {
    /**
     * Makes notes of both sides.
     *
     * @param model id of the model that was run; null for the one that the trace names
     * @param checkpoint its weights if the user says which, or null
     * @param console told if it cannot be done
     */
    static SaidNotes of(
            Workbench workbench,
            String model,
            Path checkpoint,
            TraceDiff diff,
            Reference trace,
            Reference reference,
            Console console) {
        Optional<ModelDefinition> definition =
                model == null ? definition(workbench, trace) : Optional.of(workbench.definition(model, checkpoint));
        try {
            return definition.isEmpty()
                    ? new SaidNotes(diff, Rolls.NONE)
                    : definition.get().tokenizer() == null
                            ? ofPosteriorgrams(workbench, definition.get(), diff, trace, reference)
                            : ofTokens(workbench, definition.get(), diff, trace, reference);
        } catch (LuthierException e) {
            // What was compared is worth telling without them.
            console.warn("events and notes were not compared: " + e.getMessage());
            return new SaidNotes(diff, Rolls.NONE);
        }
    }

    /**
     * The model that a run was of: the one that it names, which may be what its checkpoint says itself, else the one that its family is named
     * after, else its only one.
     */
    static Optional<ModelDefinition> definition(Workbench workbench, Reference run) {
        List<ModelDefinition> family = workbench.catalog().models().stream()
                .filter(model -> model.family().equals(run.header().model()))
                .toList();
        return named(family, run.origin().definition())
                .or(() -> described(workbench, run.origin()))
                .or(() -> named(family, run.header().model()))
                .or(() -> family.size() == 1 ? Optional.of(family.get(0)) : Optional.empty());
    }

    private static Optional<ModelDefinition> described(Workbench workbench, Origin origin) {
        if (origin.definition() == null || origin.checkpoint() == null || !Files.exists(origin.checkpoint())) {
            return Optional.empty();
        }
        try {
            return Optional.of(workbench.definition(origin.definition(), origin.checkpoint()));
        } catch (LuthierException e) {
            // The file is another one now.
            return Optional.empty();
        }
    }

    private static Optional<ModelDefinition> named(List<ModelDefinition> models, String id) {
        return models.stream().filter(model -> model.id().equals(id)).findFirst();
    }

    /** What to run a model with: null for its own weights, and for one that no folder has the checkpoint that describes it. */
    static Path checkpoint(Workbench workbench, ModelDefinition model) {
        return workbench.catalog().models().contains(model) ? null : model.weightsPath();
    }

    private static SaidNotes ofTokens(
            Workbench workbench, ModelDefinition model, TraceDiff diff, Reference trace, Reference reference) {
        Want tokens = new Want(Tokenizer.class, model.tokenizer());
        Want assembler = new Want(NoteAssembler.class, model.assembler());
        try (Leases leases = workbench.parts().acquire(tokens, assembler)) {
            Tokenizer tokenizer = leases.get(Tokenizer.class, model.tokenizer());
            TraceDiff events = NoteRows.withEvents(diff, trace, reference, tokenizer);
            return leases.get(NoteAssembler.class, model.assembler()) instanceof TokenNoteAssembler notes
                    ? withNotes(events, Rolls.ofTokens(trace, reference, tokenizer, notes))
                    : new SaidNotes(events, Rolls.NONE);
        }
    }

    private static SaidNotes ofPosteriorgrams(
            Workbench workbench, ModelDefinition model, TraceDiff diff, Reference trace, Reference reference) {
        // The model tells how its outputs lie, whatever its weights.
        try (Leases leases = workbench.parts().acquire(new Want(NoteAssembler.class, model.assembler()));
                ModelLease lease = workbench.openModel(model.id(), checkpoint(workbench, model), null)) {
            return lease.model() instanceof FrameModel frames
                            && leases.get(NoteAssembler.class, model.assembler()) instanceof FrameNoteAssembler notes
                    ? withNotes(diff, Rolls.ofPosteriorgrams(trace, reference, frames, notes))
                    : new SaidNotes(diff, Rolls.NONE);
        }
    }

    private static SaidNotes withNotes(TraceDiff diff, Rolls rolls) {
        return new SaidNotes(NoteRows.withNotes(diff, rolls.trace(), rolls.reference()), rolls);
    }
}
