package org.luthier.workbench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Position;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.Provenance;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.notes.Transcription;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.Part;
import org.luthier.api.plugin.PartVersion;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Tokenizer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Puts a kept job through other parts. Another tokenizer or assembler needs no model. Another decoder, or other settings of it, starts
 * from what the encoder made of the recording, so that it needs the weights of the job; with other weights the kept features are encoded
 * anew, but only if somebody names them.
 */
public final class RedecodeJob {
    private final Workbench workbench;

    public RedecodeJob(Workbench workbench) {
        this.workbench = workbench;
    }

    /**
     * What the job was and what came of it now.
     *
     * @param kept as the job ended
     * @param redecoded with other parts
     * @param changed numbers of the segments that say other tokens
     */
    public record Result(Transcription kept, Transcription redecoded, List<Integer> changed) {}

    /** The parameters that can be set: those of the assembler, and of the decoder if there is one. */
    public List<Parameter> parameters(Path file, TranscriptionRequest request) {
        try (KeptJob job = KeptJob.open(file);
                Snapshot snapshot = new Snapshot(job, request, new RunningJob(request, Cancellation.NONE))) {
            return snapshot.parts.parameters();
        }
    }

    /**
     * Decodes a kept job.
     *
     * @param file the job
     * @param request what to use: parts by id, by default the job's; {@code model} or {@code checkpoint} to decode again with it; values
     *     of settings, by default the job's where the part is. It names no audio file
     * @throws LuthierException if the job is none, a part does not fit it, or the model is not the job's
     * @throws CancelledException if it was cancelled
     */
    public Result run(Path file, TranscriptionRequest request, Progress progress, Cancellation cancellation) {
        return workbench.run(request, cancellation, running -> {
            try (KeptJob job = KeptJob.open(file);
                    Snapshot snapshot = new Snapshot(job, request, running)) {
                Transcription redecoded =
                        snapshot.decodesAgain() ? decode(job, snapshot, progress) : assemble(job, snapshot);
                return new Result(
                        job.transcription(),
                        redecoded,
                        changed(job.transcription().segments(), redecoded.segments()));
            }
        });
    }

    private static List<Integer> changed(List<SegmentTokens> before, List<SegmentTokens> now) {
        return IntStream.range(0, before.size())
                .filter(segment ->
                        !before.get(segment).channels().equals(now.get(segment).channels()))
                .boxed()
                .toList();
    }

    /** Makes notes of the kept tokens. */
    private Transcription assemble(KeptJob job, Snapshot snapshot) {
        Phases phases = new Phases();
        long begin = Phases.now();
        Provenance kept = job.transcription().provenance();
        List<SegmentTokens> segments = job.transcription().segments();
        Tokenizer tokenizer = snapshot.parts.tokenizer();
        TokenFit fit = new TokenFit(kept.model().id(), job.layout());
        fit.check(tokenizer, fits -> workbench.parts().ids(Tokenizer.class, fits));
        TokenNoteAssembler.Assembly assembly = snapshot.begin();
        for (SegmentTokens segment : segments) {
            snapshot.stop.check();
            assembly.accept(TokenNotes.events(tokenizer, segment));
        }
        Recipe.Outcome outcome = TokenNotes.outcome(
                tokenizer,
                segments,
                assembly.finish(),
                kept.audio(),
                job.transcription().duration(),
                fit.remarks(tokenizer));
        phases.add(Phases.Phase.NOTES, begin);
        return transcription(
                snapshot,
                job.transcription().midiWriter(),
                kept.model(),
                kept.checkpoint(),
                kept.decoder(),
                new Execution(kept.backend(), kept.kernels(), 1),
                outcome,
                phases);
    }

    /** Lets the model write tokens again. */
    private Transcription decode(KeptJob job, Snapshot snapshot, Progress progress) {
        Phases phases = new Phases();
        long begin = Phases.now();
        TranscriptionRequest request = snapshot.request;
        Provenance kept = job.transcription().provenance();
        String id = request.model() == null ? kept.model().id() : request.model();
        Execution on = request.execution() == null ? workbench.execution() : request.execution();
        try (ModelLease lease = workbench.openModel(id, request.checkpoint(), on, snapshot.stop)) {
            boolean encoded = job.hasEncoded() && lease.checkpointSha256().equals(kept.checkpoint());
            TokenModel model = model(lease, job, encoded, request);
            Tokenizer tokenizer = snapshot.parts.tokenizer();
            TokenFit fit = new TokenFit(id, model.layout());
            fit.check(tokenizer, fits -> workbench.parts().ids(Tokenizer.class, fits));
            List<String> remarks = new ArrayList<>(fit.remarks(tokenizer));
            if (!encoded && job.hasEncoded()) {
                remarks.add("the kept features were encoded anew with checkpoint " + lease.checkpointSha256()
                        + "; the job's own is " + kept.checkpoint());
            }
            TokenRecipe recipe = new TokenRecipe(
                    model,
                    tokenizer,
                    snapshot.parts.decoder(),
                    snapshot.parts.settings(snapshot.parts.decoder(), snapshot.written),
                    snapshot.begin(),
                    List.copyOf(remarks));
            phases.add(Phases.Phase.LOAD, begin);
            Recipe.Outcome outcome = recipe.decode(
                    job.transcription().segments().size(),
                    (rows, probe) -> new KeptFeed(job, encoded),
                    kept.audio(),
                    job.transcription().duration(),
                    new Recipe.Run(
                            "luthier-redecode",
                            on.workers(),
                            request.batch(),
                            phases,
                            Listeners.of(progress),
                            snapshot.stop));
            snapshot.stop.check();
            return transcription(
                    snapshot,
                    model.definition().midiWriter(),
                    lease.version(),
                    lease.checkpointSha256(),
                    snapshot.version(Decoder.class, snapshot.parts.decoder()),
                    on,
                    outcome,
                    phases);
        }
    }

    /** The model, if it can go on with what was kept. */
    private static TokenModel model(ModelLease lease, KeptJob job, boolean encoded, TranscriptionRequest request) {
        Provenance kept = job.transcription().provenance();
        String id = lease.model().definition().id();
        if (!(lease.model() instanceof TokenModel model)
                || model.layout().channels() != job.layout().channels()
                || !model.frontend().featureShape().equals(job.featureShape())) {
            throw new LuthierException("model " + id + " does not read features of " + job.featureShape() + " in "
                    + job.layout().channels() + " channels, which this job of model "
                    + kept.model().id() + " has; leave out --model, or transcribe the audio with it");
        }
        if (!encoded && job.hasEncoded() && request.model() == null && request.checkpoint() == null) {
            throw new LuthierException("the job was made with checkpoint " + kept.checkpoint() + ", but model " + id
                    + " has " + lease.checkpointSha256()
                    + ": name the job's with --checkpoint PATH, or the other one to"
                    + " encode the kept features anew with it");
        }
        return model;
    }

    private static Transcription transcription(
            Snapshot snapshot,
            String midiWriter,
            PartVersion model,
            String checkpoint,
            PartVersion decoder,
            Execution on,
            Recipe.Outcome outcome,
            Phases phases) {
        Provenance provenance = new Provenance(
                Versions.luthier(),
                model,
                checkpoint,
                snapshot.version(Tokenizer.class, snapshot.parts.tokenizer()),
                decoder,
                snapshot.version(NoteAssembler.class, snapshot.parts.assembler()),
                on.backend(),
                on.kernels(),
                snapshot.values,
                outcome.audio(),
                outcome.remarks(),
                Workbench.warnings(List.of(), outcome));
        return outcome.transcription(provenance, midiWriter, phases);
    }

    /** The parts that the job is put through, from the start to the end, and their settings. */
    private final class Snapshot implements AutoCloseable {
        private final TranscriptionRequest request;
        private final RunningJob stop;
        private final Leases leases;
        private final Ingredients parts;
        /** What the job and the user have set, as text. */
        private final Map<String, String> written;
        /** Every parameter with its value. */
        private final Map<String, Object> values;

        private Snapshot(KeptJob job, TranscriptionRequest request, RunningJob running) {
            this.request = request;
            this.stop = running;
            Provenance kept = job.transcription().provenance();
            String tokenizer = or(request.tokenizer(), kept.tokenizer());
            String decoder = or(request.decoder(), kept.decoder());
            String assembler = or(request.assembler(), kept.assembler());
            List<Want> wants = new ArrayList<>();
            wants.add(new Want(Tokenizer.class, tokenizer));
            wants.add(new Want(NoteAssembler.class, assembler));
            // The decoder of a job that is not decoded again may be gone.
            boolean decoding =
                    decodes(request) || workbench.parts().ids(Decoder.class).contains(decoder);
            if (decoding) {
                wants.add(new Want(Decoder.class, decoder));
            }
            leases = workbench.parts().acquire(wants, running::abort, running);
            try {
                parts = new Ingredients(
                        leases.get(Tokenizer.class, tokenizer),
                        decoding ? leases.get(Decoder.class, decoder) : null,
                        leases.get(NoteAssembler.class, assembler));
                written = written(kept);
                values = values(kept);
            } catch (RuntimeException | Error e) {
                leases.close();
                throw e;
            }
        }

        private static String or(String wanted, PartVersion kept) {
            return wanted == null ? kept.id() : wanted;
        }

        private static boolean decodes(TranscriptionRequest request) {
            return request.decoder() != null || request.model() != null || request.checkpoint() != null;
        }

        /** Whether tokens are wanted that the job does not have. */
        private boolean decodesAgain() {
            return decodes(request)
                    || !names(parts.assembler()).containsAll(request.settings().keySet());
        }

        private static Set<String> names(Part part) {
            return part.parameters().stream().map(Parameter::name).collect(Collectors.toSet());
        }

        /** What the job had set on the parts that are still there, and over it what the user sets. */
        private Map<String, String> written(Provenance kept) {
            Set<String> names = Stream.of(
                            sameAs(kept.decoder(), parts.decoder()), sameAs(kept.assembler(), parts.assembler()))
                    .filter(Objects::nonNull)
                    .flatMap(part -> names(part).stream())
                    .collect(Collectors.toSet());
            Map<String, String> all = new LinkedHashMap<>();
            kept.parameters().forEach((name, value) -> {
                if (value != null && names.contains(name)) {
                    all.put(name, value.toString());
                }
            });
            all.putAll(request.settings());
            return all;
        }

        private static Part sameAs(PartVersion kept, Part part) {
            return part != null && part.id().equals(kept.id()) ? part : null;
        }

        private Map<String, Object> values(Provenance kept) {
            Map<String, Object> all = new LinkedHashMap<>();
            if (parts.decoder() == null) {
                // Which of them were the decoder's nobody knows any more.
                all.putAll(kept.parameters());
            }
            all.putAll(parts.values(written));
            return all;
        }

        private TokenNoteAssembler.Assembly begin() {
            if (!(parts.assembler() instanceof TokenNoteAssembler assembler)) {
                throw new LuthierException("note assembler " + parts.assembler().id()
                        + " reads frames, but the job has tokens; choose another with --assembler");
            }
            return assembler.begin(parts.tokenizer(), parts.settings(assembler, written));
        }

        private PartVersion version(Class<? extends Part> kind, Part part) {
            return leases.version(kind, part.id());
        }

        @Override
        public void close() {
            leases.close();
        }
    }

    /** Feeds what was kept of the segments. */
    private static final class KeptFeed implements TokenRecipe.Feed {
        private final KeptJob job;
        private final boolean encoded;
        private INDArray rows;

        private KeptFeed(KeptJob job, boolean encoded) {
            this.job = job;
            this.encoded = encoded;
        }

        @Override
        public void begin(Position at, Session session, Phases.Work work) {
            close();
            long begin = Phases.now();
            if (encoded) {
                rows = job.encoded(at);
                session.beginEncoded(rows, at);
            } else {
                rows = job.features(at);
                session.begin(rows, at);
            }
            work.add(Phases.Phase.ENCODER, begin);
        }

        @Override
        public void close() {
            if (rows != null) {
                rows.close();
                rows = null;
            }
        }
    }
}
