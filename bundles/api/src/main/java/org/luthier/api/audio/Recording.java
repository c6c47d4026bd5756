package org.luthier.api.audio;

/**
 * Sound as a model takes it: one channel of float samples, full scale being 1.0, at the model's sample rate.
 *
 * @param samples the samples; not copied, not to be changed
 * @param sampleRate samples per second
 * @param facts what the file was before averaging and resampling
 */
public record Recording(float[] samples, int sampleRate, AudioFacts facts) {
    /** Length in seconds, at the model's sample rate. */
    public double seconds() {
        return (double) samples.length / sampleRate;
    }
}
