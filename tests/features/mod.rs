//! Tests of feature maps and kernels.

mod combined_maps;
mod fashion_mnist;
mod feature_maps;
mod kernel_limits;
mod kernels;
mod polynomial;
mod random_fourier;
