package org.luthier.workbench;

import java.nio.file.Path;
import java.util.List;
import org.luthier.api.Cancellation;
import org.luthier.api.Progress;
import org.luthier.api.model.Execution;
import org.luthier.api.notes.Transcription;
import org.luthier.api.plugin.Parameter;

/** Joins parts, checks that they fit and runs jobs. Its methods may be called from several threads. */
public final class Workbench implements AutoCloseable {
    private final Parts parts;
    private final ModelCatalog catalog;
    private final Execution execution;

    /** A workbench on the CPU with one worker a processor. */
    public Workbench(Parts parts, ModelCatalog catalog) {
        this(parts, catalog, new Execution("cpu", "cpu", Runtime.getRuntime().availableProcessors()));
    }

    /** @param execution what jobs run on that do not say */
    public Workbench(Parts parts, ModelCatalog catalog, Execution execution) {
        this.parts = parts;
        this.catalog = catalog;
        this.execution = execution;
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
     * @throws org.luthier.api.LuthierException if a part, model or setting is wrong
     */
    public Job start(TranscriptionRequest request, Progress progress) {
        throw new UnsupportedOperationException("not written yet");
    }

    /**
     * Transcribes in the calling thread, with the workbench's workers.
     *
     * @throws org.luthier.api.CancelledException if it was cancelled or the thread interrupted
     * @throws org.luthier.api.LuthierException if it could not be done
     */
    public Transcription transcribe(TranscriptionRequest request, Progress progress, Cancellation cancellation) {
        throw new UnsupportedOperationException("not written yet");
    }

    /**
     * Loads a model, or shares the loaded one.
     *
     * @param model id of a model of the catalog, or null for the one that the checkpoint fits, else {@code basic-pitch}
     * @param checkpoint weights to use in place of the model's own, or null
     * @param execution what to run on, or null for the default
     */
    public ModelLease openModel(String model, Path checkpoint, Execution execution) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** The parameters of the parts that a request would use; {@link TranscriptionRequest#settings} goes by their names. */
    public List<Parameter> parameters(TranscriptionRequest request) {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Cancels the jobs, waits for them and closes the models. */
    @Override
    public void close() {}
}
