package org.luthier.workbench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.UsageException;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.audio.AudioReader;
import org.luthier.api.audio.Recording;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.Provenance;
import org.luthier.api.notes.Transcription;
import org.luthier.api.notes.TranscriptionWriter;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.Part;
import org.luthier.api.plugin.PartVersion;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.files.AtomicFile;

/** Joins parts, checks that they fit and runs jobs. Its methods may be called from several threads. */
public final class Workbench implements AutoCloseable {
    /** The model of those who choose none. */
    public static final String DEFAULT_MODEL = "basic-pitch";

    /** The reader of audio files. */
    public static final String AUDIO_READER = "ffmpeg";

    private final Parts parts;
    private final ModelCatalog catalog;
    private final Execution execution;
    private final ModelStore models = new ModelStore();
    private final Set<RunningJob> jobs = ConcurrentHashMap.newKeySet();
    private final AtomicLong number = new AtomicLong();
    private volatile boolean closed;

    /** A workbench on the CPU with one worker a processor. */
    public Workbench(Parts parts, ModelCatalog catalog) {
        this(parts, catalog, new Execution("cpu", "cpu", Runtime.getRuntime().availableProcessors()));
    }

    /** @param execution what jobs run on that do not say */
    public Workbench(Parts parts, ModelCatalog catalog, Execution execution) {
        this.parts = parts;
        this.catalog = catalog;
        this.execution = execution;
        parts.onDeparture(models::retire);
    }

    /** The parts that there are. */
    public Parts parts() {
        return parts;
    }

    /** The models that there are. */
    public ModelCatalog catalog() {
        return catalog;
    }

    /** What jobs run on that do not say. */
    public Execution execution() {
        return execution;
    }

    /**
     * Starts a transcription. Its parts are taken before this returns, and it ends on them whatever is swapped meanwhile.
     *
     * @throws LuthierException if a part, model or setting is wrong
     */
    public Job start(TranscriptionRequest request, Progress progress) {
        return start(request, Listeners.of(progress));
    }

    /**
     * Starts a transcription that others follow more closely.
     *
     * @throws LuthierException if a part, model or setting is wrong
     */
    public Job start(TranscriptionRequest request, Listeners listeners) {
        RunningJob job = new RunningJob(request, Cancellation.NONE);
        Prepared prepared = prepare(job);
        String name = "luthier-job-" + number.incrementAndGet();
        Workers.thread(name, () -> run(job, prepared, name, listeners)).start();
        return job;
    }

    /**
     * Transcribes in the calling thread, with the workbench's workers.
     *
     * @throws org.luthier.api.CancelledException if it was cancelled or the thread interrupted
     * @throws LuthierException if it could not be done
     */
    public Transcription transcribe(TranscriptionRequest request, Progress progress, Cancellation cancellation) {
        return transcribe(request, Listeners.of(progress), cancellation);
    }

    /**
     * Transcribes in the calling thread, with the workbench's workers, while others follow more closely.
     *
     * @throws org.luthier.api.CancelledException if it was cancelled or the thread interrupted
     * @throws LuthierException if it could not be done
     */
    public Transcription transcribe(TranscriptionRequest request, Listeners listeners, Cancellation cancellation) {
        Thread caller = Thread.currentThread();
        RunningJob job = new RunningJob(request, () -> cancellation.requested() || caller.isInterrupted());
        ClassLoader before = caller.getContextClassLoader();
        caller.setContextClassLoader(Workers.LOADER);
        try {
            run(job, prepare(job), "luthier-job-" + number.incrementAndGet(), listeners);
            return job.outcome();
        } finally {
            caller.setContextClassLoader(before);
        }
    }

    /**
     * The model that a user means.
     *
     * @param model id of a model of the catalog, or of the one that the checkpoint itself describes; null for the one that the checkpoint
     *     fits, else the one that it describes, else, without a checkpoint, {@link #DEFAULT_MODEL}
     * @param checkpoint weights to use in place of the model's own, or null
     * @throws LuthierException if there is none, or if the checkpoint says of itself that it is of another model
     */
    public ModelDefinition definition(String model, Path checkpoint) {
        return choose(model, checkpoint, Cancellation.NONE).definition();
    }

    /**
     * Loads a model, or shares the loaded one.
     *
     * @param model as for {@link #definition}
     * @param checkpoint weights to use in place of the model's own, or null
     * @param execution what to run on, or null for the default
     * @throws CancelledException if the thread was interrupted
     */
    public ModelLease openModel(String model, Path checkpoint, Execution execution) {
        return openModel(model, checkpoint, execution, Thread.currentThread()::isInterrupted);
    }

    ModelLease openModel(String model, Path checkpoint, Execution execution, Cancellation cancellation) {
        Choice choice = choose(model, checkpoint, cancellation);
        Leases leases = parts.acquire(choice.wants(parts), reason -> {}, cancellation);
        try {
            ModelStore.Loaded loaded = open(choice, leases, execution, cancellation);
            return new Lease(leases, loaded, leases.version(ModelFamily.class, choice.family()));
        } catch (RuntimeException | Error e) {
            leases.close();
            throw e;
        }
    }

    /** The parameters of the parts that a request would use; {@link TranscriptionRequest#settings} goes by their names. */
    public List<Parameter> parameters(TranscriptionRequest request) {
        Choice choice = choose(request.model(), request.checkpoint(), Cancellation.NONE);
        try (Leases leases = parts.acquire(choice.noteParts(request), reason -> {}, Cancellation.NONE)) {
            return choice.ingredients(request, leases).parameters();
        }
    }

    /** Finds out before any work what is wrong with a request, the audio file apart. */
    void check(TranscriptionRequest request) {
        Choice choice = choose(request.model(), request.checkpoint(), Cancellation.NONE);
        requireWeights(choice);
        prepare(choice, new RunningJob(request, Cancellation.NONE)).leases().close();
    }

    /** Finds out before any work that a job cannot be kept. */
    void checkKeeps(TranscriptionRequest request) {
        Choice choice = choose(request.model(), request.checkpoint(), Cancellation.NONE);
        if (!choice.writesTokens()) {
            throw FrameRecipe.notKept(choice.definition());
        }
    }

    /**
     * Writes a transcription; the file is there complete or not at all. The writer is taken when it is needed, not before: while a job runs
     * it may be replaced.
     *
     * @param writer id of the writer
     * @param settings values for its parameters, as a user wrote them
     * @param overwrite whether a file that exists may be replaced
     * @throws LuthierException if there is no such writer, a setting is wrong, or the file cannot be written
     */
    public void write(
            Transcription transcription, String writer, Map<String, String> settings, Path file, boolean overwrite) {
        try (Leases leases = parts.acquire(new Want(TranscriptionWriter.class, writer))) {
            TranscriptionWriter part = leases.get(TranscriptionWriter.class, writer);
            Settings values = Settings.of(part, settings);
            AtomicFile.write(file, overwrite, out -> part.write(transcription, values, out));
        }
    }

    /** Finds out before any work what is wrong with the settings of a writer. */
    void checkWriter(String writer, Map<String, String> settings) {
        try (Leases leases = parts.acquire(new Want(TranscriptionWriter.class, writer))) {
            Settings.of(leases.get(TranscriptionWriter.class, writer), settings);
        }
    }

    /** Cancels the jobs, waits for them and closes the models. */
    @Override
    public void close() {
        closed = true;
        List<RunningJob> running = List.copyOf(jobs);
        running.forEach(RunningJob::cancel);
        running.forEach(RunningJob::awaitEnd);
        models.close();
    }

    /** A model and the weights to run it with. */
    private record Choice(ModelDefinition definition, Path weights) {
        private String family() {
            return definition.family();
        }

        private boolean writesTokens() {
            return definition.tokenizer() != null;
        }

        private String tokenizer(TranscriptionRequest request) {
            return request.tokenizer() == null ? definition.tokenizer() : request.tokenizer();
        }

        private String decoder(TranscriptionRequest request) {
            return request.decoder() == null ? definition.decoder() : request.decoder();
        }

        private String assembler(TranscriptionRequest request) {
            return request.assembler() == null ? definition.assembler() : request.assembler();
        }

        /** What making notes needs. */
        private List<Want> noteParts(TranscriptionRequest request) {
            Want assembler = new Want(NoteAssembler.class, assembler(request));
            return writesTokens()
                    ? List.of(
                            new Want(Tokenizer.class, tokenizer(request)),
                            new Want(Decoder.class, decoder(request)),
                            assembler)
                    : List.of(assembler);
        }

        private Ingredients ingredients(TranscriptionRequest request, Leases leases) {
            return new Ingredients(
                    writesTokens() ? leases.get(Tokenizer.class, tokenizer(request)) : null,
                    writesTokens() ? leases.get(Decoder.class, decoder(request)) : null,
                    leases.get(NoteAssembler.class, assembler(request)));
        }

        /** What loading the model needs. */
        private List<Want> wants(Parts parts) {
            List<Want> wants = new ArrayList<>(formats(parts));
            wants.add(new Want(ModelFamily.class, family()));
            return wants;
        }
    }

    /** The snapshot a job works with. */
    private record Prepared(Choice choice, Leases leases, Ingredients parts, Map<String, Object> values) {}

    private final class Lease implements ModelLease {
        private final Leases leases;
        private final ModelStore.Loaded loaded;
        private final PartVersion version;
        private boolean open = true;

        private Lease(Leases leases, ModelStore.Loaded loaded, PartVersion family) {
            this.leases = leases;
            this.loaded = loaded;
            this.version = new PartVersion(loaded.model().definition().id(), family.version());
        }

        @Override
        public Model model() {
            return loaded.model();
        }

        @Override
        public PartVersion version() {
            return version;
        }

        @Override
        public String checkpointSha256() {
            return loaded.sha256();
        }

        @Override
        public synchronized void close() {
            if (open) {
                open = false;
                models.release(loaded);
                leases.close();
            }
        }
    }

    /**
     * Does other work than a transcription in the calling thread. Closing the workbench cancels it and waits for its end, as with a
     * transcription.
     *
     * @param request what is wanted, without audio
     * @param work given the job, which tells it to stop
     */
    <T> T run(TranscriptionRequest request, Cancellation cancellation, Function<RunningJob, T> work) {
        RunningJob job = new RunningJob(request, cancellation);
        AtomicReference<T> result = new AtomicReference<>();
        jobs.add(job);
        job.run(() -> {
            requireOpen();
            result.set(work.apply(job));
            return null;
        });
        jobs.remove(job);
        job.outcome();
        return result.get();
    }

    private void requireOpen() {
        if (closed) {
            throw new LuthierException("the workbench is closed");
        }
    }

    private Prepared prepare(RunningJob job) {
        jobs.add(job);
        try {
            requireOpen();
            return prepare(choose(job.request().model(), job.request().checkpoint(), job), job);
        } catch (RuntimeException | Error e) {
            jobs.remove(job);
            job.fail(e);
            throw e;
        }
    }

    private Prepared prepare(Choice choice, RunningJob job) {
        TranscriptionRequest request = job.request();
        if (!choice.writesTokens() && (request.tokenizer() != null || request.decoder() != null)) {
            throw new LuthierException("model " + choice.definition().id()
                    + " writes no tokens: it takes no --tokenizer and no --decoder");
        }
        List<Want> wants = choice.wants(parts);
        wants.addAll(choice.noteParts(request));
        wants.add(new Want(AudioReader.class, AUDIO_READER));
        Leases leases = parts.acquire(wants, job::abort, job);
        try {
            Ingredients ingredients = choice.ingredients(request, leases);
            return new Prepared(choice, leases, ingredients, ingredients.values(request.settings()));
        } catch (RuntimeException | Error e) {
            leases.close();
            throw e;
        }
    }

    private void run(RunningJob job, Prepared prepared, String name, Listeners listeners) {
        job.run(() -> {
            try (Leases leases = prepared.leases()) {
                return transcribe(job, prepared, leases, name, listeners);
            } finally {
                jobs.remove(job);
            }
        });
    }

    private Transcription transcribe(
            RunningJob job, Prepared prepared, Leases leases, String name, Listeners listeners) {
        Phases phases = new Phases();
        TranscriptionRequest request = job.request();
        long begin = Phases.now();
        ModelStore.Loaded loaded = open(prepared.choice(), leases, request.execution(), job);
        try {
            Model model = loaded.model();
            Ingredients used = prepared.parts();
            Recipe recipe = Recipe.of(model, used, request.settings(), fits -> parts.ids(Tokenizer.class, fits));
            phases.add(Phases.Phase.LOAD, begin);
            Execution on = executionOf(request.execution());
            Recipe.Outcome outcome = recipe.transcribe(
                    rate -> read(request.audio(), rate, leases, phases, listeners.progress(), job),
                    new Recipe.Run(name, on.workers(), request.batch(), phases, listeners, job));
            job.check();
            Provenance provenance = new Provenance(
                    Versions.luthier(),
                    new PartVersion(
                            model.definition().id(),
                            leases.version(ModelFamily.class, prepared.choice().family())
                                    .version()),
                    loaded.sha256(),
                    version(leases, Tokenizer.class, used.tokenizer()),
                    version(leases, Decoder.class, used.decoder()),
                    version(leases, NoteAssembler.class, used.assembler()),
                    on.backend(),
                    on.kernels(),
                    Collections.unmodifiableMap(prepared.values()),
                    outcome.audio(),
                    outcome.remarks(),
                    warnings(loaded.warnings(), outcome));
            return outcome.transcription(provenance, model.definition().midiWriter(), phases);
        } finally {
            models.release(loaded);
        }
    }

    private static Recording read(
            Path audio, int rate, Leases leases, Phases phases, Progress progress, Cancellation cancellation) {
        long begin = Phases.now();
        try {
            return leases.get(AudioReader.class, AUDIO_READER).read(audio, rate, progress, cancellation);
        } finally {
            phases.add(Phases.Phase.LOAD, begin);
        }
    }

    private static PartVersion version(Leases leases, Class<? extends Part> kind, Part part) {
        return part == null ? null : leases.version(kind, part.id());
    }

    /** Everything that a user should know of a result.
     *
     * @param ofWeights what the checkpoint's reader remarked */
    static List<String> warnings(List<String> ofWeights, Recipe.Outcome outcome) {
        AudioFacts audio = outcome.audio();
        List<String> warnings = new ArrayList<>(ofWeights);
        if (audio.silent()) {
            warnings.add("the recording is silent: every sample is zero");
        }
        if (audio.clipped() > 0) {
            warnings.add(audio.clipped() + " samples are at full scale or above: the recording may be clipped");
        }
        if (audio.replaced() > 0) {
            warnings.add(audio.replaced() + " samples are no numbers and were read as silence");
        }
        warnings.addAll(audio.remarks());
        warnings.addAll(outcome.warnings());
        return List.copyOf(warnings);
    }

    private Execution executionOf(Execution wanted) {
        Execution used = wanted == null ? execution : wanted;
        if (used.workers() < 1) {
            throw new UsageException("--threads: expected at least 1, got " + used.workers());
        }
        return used;
    }

    private ModelStore.Loaded open(Choice choice, Leases leases, Execution wanted, Cancellation cancellation) {
        requireWeights(choice);
        Path weights = choice.weights();
        ModelStore.Key key = new ModelStore.Key(
                choice.definition(),
                weights,
                ModelStore.Stamp.of(weights),
                executionOf(wanted),
                leases.get(ModelFamily.class, choice.family()));
        try {
            return models.open(key, checkpoints(leases), cancellation);
        } catch (CancelledException e) {
            throw e;
        } catch (LuthierException e) {
            throw misfit(choice, e, cancellation);
        }
    }

    /** Why a model could not be loaded, with the models that its checkpoint fits if it is none of them. */
    private LuthierException misfit(Choice choice, LuthierException why, Cancellation cancellation) {
        if (choice.weights().equals(catalog.weights(choice.definition()))) {
            return why;
        }
        List<ModelDefinition> fitting;
        try {
            fitting = kinOf(choice.weights(), cancellation).fitting;
        } catch (LuthierException e) {
            // It cannot even be opened.
            return why;
        }
        return fitting.isEmpty() || fitting.contains(choice.definition())
                ? why
                : new LuthierException(
                        why.getMessage() + "; the checkpoint does not fit --model "
                                + choice.definition().id() + ", it fits " + ids(fitting),
                        why);
    }

    private void requireWeights(Choice choice) {
        Path weights = choice.weights();
        ModelDefinition definition = choice.definition();
        if (Files.exists(weights)) {
            return;
        }
        if (!weights.equals(catalog.weights(definition))) {
            throw new LuthierException("no checkpoint " + weights + ": there is no such file or folder");
        }
        String from = definition.sources().isEmpty()
                ? ""
                : " (they come from " + definition.sources().get(0).url() + ")";
        throw new LuthierException("model " + definition.id() + " has no weights at " + weights
                + ": run luthier model:install " + definition.id() + ", or say with --checkpoint PATH where they are"
                + from);
    }

    private Choice choose(String model, Path checkpoint, Cancellation cancellation) {
        if (checkpoint == null) {
            ModelDefinition definition = catalog.get(model == null ? DEFAULT_MODEL : model);
            return new Choice(definition, catalog.weights(definition));
        }
        return new Choice(
                model == null ? definitionFor(checkpoint, cancellation) : named(model, checkpoint, cancellation),
                checkpoint);
    }

    private ModelDefinition named(String model, Path checkpoint, Cancellation cancellation) {
        boolean there = Files.exists(checkpoint);
        if (there && catalog.items().stream().noneMatch(item -> item.id().equals(model))) {
            Optional<ModelDefinition> described = kinOf(checkpoint, cancellation).described;
            if (described.isPresent() && described.get().id().equals(model)) {
                return described.get();
            }
        }
        ModelDefinition definition = catalog.get(model);
        if (there) {
            refuseContradiction(definition, checkpoint, cancellation);
        }
        return definition;
    }

    /** Another model may have weights of the same shapes: what the checkpoint says of itself is then all that tells. */
    private void refuseContradiction(ModelDefinition definition, Path checkpoint, Cancellation cancellation) {
        List<Want> wants = new ArrayList<>(formats(parts));
        wants.add(new Want(ModelFamily.class, definition.family()));
        Optional<String> contradiction;
        try (Leases leases = parts.acquire(wants, reason -> {}, cancellation);
                Checkpoint opened = checkpoints(leases).open(checkpoint)) {
            ModelFamily family = leases.get(ModelFamily.class, definition.family());
            contradiction = family.recognises(opened) && !family.fits(definition, opened)
                    ? family.definition(opened, checkpoint).flatMap(own -> Contradiction.between(own, definition))
                    : Optional.empty();
        }
        if (contradiction.isPresent()) {
            List<ModelDefinition> fitting = kinOf(checkpoint, cancellation).fitting;
            throw new LuthierException(
                    checkpoint + ": the checkpoint does not fit --model " + definition.id() + ": " + contradiction.get()
                            + "; "
                            + (fitting.isEmpty()
                                    ? "without --model it is run as what it says itself"
                                    : "it fits " + ids(fitting)));
        }
    }

    /** The one model that a checkpoint is of, by its content. */
    private ModelDefinition definitionFor(Path checkpoint, Cancellation cancellation) {
        Kin kin = kinOf(checkpoint, cancellation);
        // The family it is of may be just being updated.
        if (kin.families.isEmpty() && parts.awaitReturn(ModelFamily.class, cancellation)) {
            kin = kinOf(checkpoint, cancellation);
        }
        if (kin.families.isEmpty()) {
            throw new LuthierException(checkpoint + ": of no model family that is installed ("
                    + String.join(", ", parts.ids(ModelFamily.class))
                    + "); look into it with checkpoint:inspect, or say which model it is with --model");
        }
        String family = checkpoint + ": of the family " + String.join(" or ", kin.families);
        if (kin.fitting.isEmpty() && kin.described.isPresent()) {
            return kin.described.get();
        }
        if (kin.related.isEmpty()) {
            throw new LuthierException(
                    family
                            + ", which no model in the model folders has: it can be inspected and converted, but not run without a model.json");
        }
        if (kin.fitting.isEmpty()) {
            throw new LuthierException(
                    family + ", but of none of its models (" + ids(kin.related) + "): add a model.json for it");
        }
        if (kin.fitting.size() > 1) {
            throw new LuthierException(
                    family + ", which several models have; say with --model which it is: " + ids(kin.fitting));
        }
        return kin.fitting.get(0);
    }

    /**
     * What a checkpoint may be of.
     *
     * @param families those that recognise it
     * @param related the models of these families
     * @param fitting those of them that it fits
     * @param described the model that it describes itself, if it fits none
     */
    private record Kin(
            List<String> families,
            List<ModelDefinition> related,
            List<ModelDefinition> fitting,
            Optional<ModelDefinition> described) {}

    private Kin kinOf(Path checkpoint, Cancellation cancellation) {
        List<String> families = parts.ids(ModelFamily.class);
        List<Want> wants = new ArrayList<>(formats(parts));
        families.forEach(family -> wants.add(new Want(ModelFamily.class, family)));
        try (Leases leases = parts.acquire(wants, reason -> {}, cancellation);
                Checkpoint opened = checkpoints(leases).open(checkpoint)) {
            List<String> recognised = families.stream()
                    .filter(family -> leases.get(ModelFamily.class, family).recognises(opened))
                    .toList();
            List<ModelDefinition> related = catalog.models().stream()
                    .filter(definition -> recognised.contains(definition.family()))
                    .toList();
            List<ModelDefinition> fitting = related.stream()
                    .filter(definition ->
                            leases.get(ModelFamily.class, definition.family()).fits(definition, opened))
                    .toList();
            Optional<ModelDefinition> described = fitting.isEmpty()
                    ? recognised.stream()
                            .flatMap(family ->
                                    leases.get(ModelFamily.class, family).definition(opened, checkpoint).stream())
                            .findFirst()
                    : Optional.empty();
            return new Kin(recognised, related, fitting, described);
        }
    }

    private static String ids(List<ModelDefinition> definitions) {
        return String.join(", ", definitions.stream().map(ModelDefinition::id).toList());
    }

    private static List<Want> formats(Parts parts) {
        return parts.ids(CheckpointFormat.class).stream()
                .map(id -> new Want(CheckpointFormat.class, id))
                .toList();
    }

    private static Checkpoints checkpoints(Leases leases) {
        return new Checkpoints(leases.all(CheckpointFormat.class));
    }
}
