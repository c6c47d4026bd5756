package org.luthier.debug.doctor;

import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.audio.AudioReader;
import org.luthier.api.audio.Recording;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.model.TokenModel;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.workbench.Leases;
import org.luthier.workbench.ModelLease;
import org.luthier.workbench.Want;
import org.luthier.workbench.Workbench;

/**
 * Examines a checkpoint from the file to the notes and says where it first looks wrong, why, and what to do next. Nothing is compared with
 * another checkpoint, so that what only another would tell, such as a square matrix that is transposed, is not found.
 */
public final class Doctor {
    private final Workbench workbench;

    public Doctor(Workbench workbench) {
        this.workbench = workbench;
    }

    /**
     * What to examine.
     *
     * @param checkpoint file or folder
     * @param model id of the model that it should be of, or null for what it looks like
     * @param audio a recording to run it on, or null
     * @param reference a recording of intermediates to compare it with, or null
     * @param execution what to run on, or null for the workbench's default
     */
    public record Question(Path checkpoint, String model, Path audio, Path reference, Execution execution) {}

    /**
     * Examines.
     *
     * @throws LuthierException if the checkpoint cannot be opened, or one of the other files cannot be read
     */
    public Diagnosis examine(Question question, Progress progress, Cancellation cancellation) {
        List<String> ids = workbench.parts().ids(ModelFamily.class);
        Want[] wants = ids.stream().map(id -> new Want(ModelFamily.class, id)).toArray(Want[]::new);
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(question.checkpoint());
                Leases leases = workbench.parts().acquire(wants)) {
            List<ModelFamily> families =
                    ids.stream().map(id -> leases.get(ModelFamily.class, id)).toList();
            return new Visit(question, checkpoint, families, progress, cancellation).examine();
        }
    }

    private final class Visit {
        private final Question question;
        private final Path path;
        private final Checkpoint checkpoint;
        private final List<ModelFamily> families;
        private final Progress progress;
        private final Cancellation cancellation;
        private final Execution execution;
        private final Notebook notes = new Notebook();
        /** What the types of the weights lose, relative. */
        private double rounding;
        /** Why the model could not be loaded; null if it could. */
        private CheckpointException refusal;

        Visit(
                Question question,
                Checkpoint checkpoint,
                List<ModelFamily> families,
                Progress progress,
                Cancellation cancellation) {
            this.question = question;
            this.path = question.checkpoint();
            this.checkpoint = checkpoint;
            this.families = families;
            this.progress = progress;
            this.cancellation = cancellation;
            this.execution = question.execution() == null ? workbench.execution() : question.execution();
        }

        Diagnosis examine() {
            notes.examine(Stage.FORMAT);
            checkpoint.warnings().forEach(notes::remark);
            ModelDefinition wanted = question.model() == null ? null : named(question.model());
            Optional<Examined> examined = new FamilyStage(
                            checkpoint, path, families, workbench.catalog().models(), execution, notes)
                    .decide(wanted);
            examined.ifPresent(this::examine);
            return notes.diagnosis(path + ", " + checkpoint.format() + " with "
                    + Notebook.count(checkpoint.tensors().size(), "tensor")
                    + examined.map(found -> ", model " + found.definition().id())
                            .orElse(""));
        }

        /** One that no folder has is what the checkpoint says itself. */
        private ModelDefinition named(String model) {
            boolean known = workbench.catalog().items().stream()
                    .anyMatch(item -> item.id().equals(model));
            return known ? workbench.catalog().get(model) : workbench.definition(model, path);
        }

        private void examine(Examined examined) {
            notes.examine(Stage.NAMES);
            if (examined.definition() == null) {
                byRules(examined);
                return;
            }
            notes.examine(Stage.SHAPES);
            try (ModelLease lease = open(examined.definition())) {
                file(examined, lease == null ? null : lease.model());
                refused();
                if (lease != null) {
                    run(examined, lease.model());
                }
            }
        }

        /** What can be told of a checkpoint that no model is there for. */
        private void byRules(Examined examined) {
            try {
                examined.rules().apply(checkpoint, examined.family().id());
            } catch (CheckpointException e) {
                refusal = e;
            }
            new StatisticsStage(examined, path, notes).examine(0, cancellation);
            PositionsStage.examine(examined, notes);
            refused();
        }

        /** @return null if its checkpoint is refused */
        private ModelLease open(ModelDefinition definition) {
            try {
                return workbench.openModel(definition.id(), path, question.execution());
            } catch (CheckpointException e) {
                refusal = e;
                return null;
            } catch (LuthierException e) {
                if (e.getCause() instanceof CheckpointException cause) {
                    refusal = cause;
                    return null;
                }
                throw e;
            }
        }

        /** @param model null if its checkpoint is refused */
        private void file(Examined examined, Model model) {
            int rows = 0;
            if (model == null) {
                Needs needs = Needs.of(examined.family(), examined.definition(), execution);
                rows = needs.rows();
                new NamesStage(examined, needs, path, notes).examine();
            } else if (model instanceof TokenModel tokens) {
                rows = tokens.layout().outputRows();
            }
            StatisticsStage statistics = new StatisticsStage(examined, path, notes);
            statistics.examine(rows, cancellation);
            rounding = statistics.rounding();
            PositionsStage.examine(examined, notes);
            if (model instanceof TokenModel tokens) {
                String tokenizer = examined.definition().tokenizer();
                try (Leases leases = workbench.parts().acquire(new Want(Tokenizer.class, tokenizer))) {
                    new VocabularyStage(examined, tokens.layout(), path, notes)
                            .examine(leases.get(Tokenizer.class, tokenizer).vocabulary());
                }
            }
        }

        /** What was refused for a reason that no stage has found. */
        private void refused() {
            if (refusal != null && notes.isEmpty()) {
                notes.find(
                        Stage.NAMES,
                        "the weights are not those of the model",
                        "the checkpoint breaks the rule " + refusal.rule(),
                        refusal.getMessage(),
                        Notebook.command("checkpoint:inspect", path));
            }
        }

        private void run(Examined examined, Model model) {
            if (question.reference() != null) {
                List<URL> adapters = families.stream()
                        .flatMap(family -> family.referenceAdapters().stream())
                        .toList();
                new LayersStage(model, path, notes)
                        .examine(
                                question.reference(),
                                examined.weights().asCheckpoint(),
                                rounding,
                                adapters,
                                cancellation);
            }
            if (question.audio() != null) {
                Recording recording = read(model.frontend().framing().sampleRate());
                SignalStage.examine(recording, question.audio(), notes);
                if (!notes.has(Stage.SIGNAL)) {
                    listen(examined.definition(), model, recording);
                }
            }
        }

        private Recording read(int rate) {
            try (Leases leases = workbench.parts().acquire(new Want(AudioReader.class, Workbench.AUDIO_READER))) {
                return leases.get(AudioReader.class, Workbench.AUDIO_READER)
                        .read(question.audio(), rate, progress, cancellation);
            }
        }

        private void listen(ModelDefinition definition, Model model, Recording recording) {
            List<Want> wants = new ArrayList<>(List.of(new Want(NoteAssembler.class, definition.assembler())));
            boolean tokens = model instanceof TokenModel;
            if (tokens) {
                wants.add(new Want(Tokenizer.class, definition.tokenizer()));
                wants.add(new Want(Decoder.class, definition.decoder()));
            }
            try (Leases leases = workbench.parts().acquire(wants.toArray(Want[]::new))) {
                new Listening(model, recording, path, question.audio(), notes, cancellation)
                        .examine(
                                tokens ? leases.get(Tokenizer.class, definition.tokenizer()) : null,
                                tokens ? leases.get(Decoder.class, definition.decoder()) : null,
                                leases.get(NoteAssembler.class, definition.assembler()));
            }
        }
    }
}
